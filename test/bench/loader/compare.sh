#!/usr/bin/env bash
# compare.sh OLD NEW [ROWS [RUNS]]: loads by two binaries in turn, so that both see the same machine. Trust the ratio of the
# medians, not the figures.
set -euo pipefail
old=$1 new=$2 rows=${3:-500000} runs=${4:-5}
bench=$(mktemp) out=$(mktemp)
trap 'rm -f "$bench" "$out"' EXIT
(cd "$(dirname "$0")" && go build -o "$bench" .)
for _ in $(seq "$runs"); do
	for which in old new; do
		"$bench" -bin "${!which}" -part load -rows "$rows" -runs 1 -huge 0 -sdk=false 2>/dev/null | sed "s/^/$which /" >>"$out"
	done
done
sort -k2,2 -k1,1r -k3,3n "$out" | awk '
	{ key = $2; which = $1; if (key != last) { last = key } v[key, which, ++n[key, which]] = $3; names[key] = $4 }
	END { for (k in names) { a = v[k, "old", int((n[k, "old"] + 1) / 2)]; b = v[k, "new", int((n[k, "new"] + 1) / 2)]
		printf "%-32s old %-10s new %-10s %-8s new/old %.2f\n", k, a, b, names[k], a ? b / a : 0 } }' | sort
