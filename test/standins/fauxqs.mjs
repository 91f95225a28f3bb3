// Serves fauxqs on the loopback port that it is given. Its own command would listen on all interfaces.
import { buildApp } from "fauxqs";

await buildApp({ logger: false }).listen({ host: "127.0.0.1", port: Number(process.argv[2]) });
