import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { RedisServer } from "../../adapters/local/redis-process.ts";
import type { RestServer } from "../../adapters/local/rest-server.ts";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import { ClosedError, createDrain } from "../../src/index.ts";
import { Program } from "../support/program.ts";
import { startRest, startTestRedis, testToken } from "../support/redis.ts";

const root = resolve(import.meta.dirname, "../..");
let server: RedisServer;
let rest: RestServer;
let folder: string;

beforeAll(async () => {
  server = await startTestRedis();
  rest = await startRest(server);
  folder = await mkdtemp(join(tmpdir(), "spillway-script-"));
});

afterAll(async () => {
  await rest.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

it.each<[module: string, call: () => string]>([
  ["ioredis", () => `ioredis({ url: "${server.url}" })`],
  ["node-redis", () => `nodeRedis({ url: "${server.url}" })`],
  ["upstash", () => `upstash({ url: "${rest.url}", token: "${testToken}" })`],
  ["upstash-fetch", () => `upstash({ url: "${rest.url}", token: "${testToken}" })`],
])("a script that drains over %s and closes its drain ends by itself", async (module, call) => {
  const script = join(folder, `${module}.ts`);
  const [name] = call().split("(");
  await writeFile(
    script,
    `import { createDrain } from "${root}/src/index.ts";
import { ${name} } from "${root}/adapters/redis/${module}.ts";
{
  await using drain = createDrain({ redis: ${call()}, list: "${module}", handler: () => undefined });
  await drain.push("a message");
  console.log((await drain.run()).acked);
}
console.log("closed");
`,
  );
  const program = new Program(process.execPath, [script], { folder: root, environment: {} });
  const exit = await program.ended;
  expect(program.output).toBe("1\nclosed\n");
  expect(exit).toEqual({ code: 0, signal: null });
});

it("a drain that is closed refuses every call with a ClosedError, and closing it again is harmless", async () => {
  const redis = ioredis({ url: server.url });
  const drain = createDrain({ redis, list: "closed", handler: () => undefined });
  await drain.run();
  await drain.close();
  await drain.close();
  const calls = [
    () => drain.run(),
    () => drain.push("x"),
    () => drain.stats(),
    () => drain.recover(),
    () => drain.deadLetters.count(),
    () => drain.deadLetters.list(),
    () => drain.wake(),
    () => drain.pause(),
    () => redis.command(["PING"]),
  ];
  for (const call of calls) await expect(call()).rejects.toThrow(ClosedError);
});

it("a wait that close cuts off rejects with a ClosedError, and not as a fault of the connection", async () => {
  const drain = createDrain({ redis: ioredis({ url: server.url }), list: "waits", handler: () => undefined });
  const watcher = ioredis({ url: server.url });
  const waiting = expect(drain.waitForMessage({ timeoutMs: 20_000 })).rejects.toThrow(ClosedError);
  await expect
    .poll(() => watcher.command(["INFO", "clients"]), { timeout: 5_000 })
    .toMatch(/blocked_clients:1\b/);
  await drain.close();
  await waiting;
  await watcher.close();
});
