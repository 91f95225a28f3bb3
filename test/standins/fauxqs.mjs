// Serves fauxqs on a free loopback port and prints its URL. Its own command would listen on all interfaces.
import { buildApp } from "fauxqs";

console.log(await buildApp({ logger: false }).listen({ host: "127.0.0.1", port: 0 }));
