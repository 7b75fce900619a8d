/** Our REST server in front of a Redis, in a process of its own. Usage: rest.ts <redis url> <token> */
import { redisBackend } from "../../adapters/local/redis-backend.ts";
import { startRestServer } from "../../adapters/local/rest-server.ts";

const [, , redisUrl = "", token = ""] = process.argv;
const { url } = await startRestServer({ port: 0, token, backend: redisBackend({ url: redisUrl }) });
process.send?.({ port: Number(new URL(url).port) });
