/** Our REST server in front of a Redis, in a process of its own, which tells what it took. Usage: rest.ts <redis url> <token> */
import { redisBackend } from "../../adapters/local/redis-backend.ts";
import { startRestServer } from "../../adapters/local/rest-server.ts";
import { startProfile } from "../profiler.ts";

const [, , redisUrl = "", token = ""] = process.argv;
const { url } = await startRestServer({ port: 0, token, backend: redisBackend({ url: redisUrl }) });
let endProfile: Awaited<ReturnType<typeof startProfile>> | undefined;
process.on("message", async (asked: "cpu" | "profile" | "profiled") => {
  const { user, system } = process.cpuUsage();
  if (asked === "profile") endProfile = await startProfile();
  process.send?.({ cpuUs: user + system, spent: asked === "profiled" ? await endProfile?.() : [] });
});
process.send?.({ port: Number(new URL(url).port) });
