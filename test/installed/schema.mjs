// Holds a CloudFormation template (JSON on standard input) to AWS's published resource schemas: each type exists, each property is
// one of the type's, each required one is there, and each attribute that is asked of a resource is one.
import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec';
import { readFileSync } from 'node:fs';

const template = JSON.parse(readFileSync(0, 'utf8'));
const db = loadAwsServiceSpecSync();
const wrong = [];
const specs = {};
for (const [name, { Type, Properties = {} }] of Object.entries(template.Resources)) {
  const spec = db.lookup('resource', 'cloudFormationType', 'equals', Type)[0];
  if (!spec) {
    wrong.push(`${name}: there is no type ${Type}`);
    continue;
  }
  specs[name] = spec;
  properties(`${name} (${Type})`, spec.properties, Properties);
}
attributes(template);
for (const line of wrong) console.log(line);
console.log(`${Object.keys(specs).length} resources`);
process.exit(wrong.length ? 1 : 0);

function properties(where, known, given) {
  for (const [name, p] of Object.entries(known)) if (p.required && !(name in given)) wrong.push(`${where} lacks ${name}`);
  for (const [name, value] of Object.entries(given)) {
    if (!known[name]) wrong.push(`${where} has ${name}, which is no property`);
    else inner(`${where}.${name}`, known[name].type, value);
  }
}

function inner(where, type, value) {
  if (value === null || typeof value !== 'object' || isCall(value)) return;
  if (type.type === 'array') for (const v of [value].flat()) inner(where, type.element, v);
  if (type.type === 'ref') properties(where, db.get('typeDefinition', type.reference).properties, value);
}

function isCall(value) {
  const keys = Object.keys(value);
  return keys.length === 1 && (keys[0] === 'Ref' || keys[0].startsWith('Fn::'));
}

function attributes(value) {
  if (value === null || typeof value !== 'object') return;
  const call = value['Fn::GetAtt'];
  if (call && specs[call[0]] && !(call[1] in specs[call[0]].attributes)) wrong.push(`${call[0]} has no attribute ${call[1]}`);
  Object.values(value).forEach(attributes);
}
