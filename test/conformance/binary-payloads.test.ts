import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RedisServer } from "../../adapters/local/redis-process.ts";
import type { RestServer } from "../../adapters/local/rest-server.ts";
import { upstash } from "../../adapters/redis/upstash.ts";
import { upstash as upstashByFetch } from "../../adapters/redis/upstash-fetch.ts";
import { createDrain, type Drain, retry } from "../../src/index.ts";
import { type HttpProxy, startHttpProxy } from "../support/http-proxy.ts";
import { startRest, startTestRedis, testToken as token } from "../support/redis.ts";
import { SideDoor } from "../support/side-door.ts";

/** Bytes that JSON cannot carry, or only at a multiple of their length. */
const payloads: [string, () => Uint8Array][] = [
  ["one byte that is no UTF-8", () => Uint8Array.of(0xff)],
  ["20,000 random bytes", () => randomBytes(20_000)],
  ["300,000 random bytes", () => randomBytes(300_000)],
  ["9,000,000 random bytes", () => randomBytes(9_000_000)],
  ["5,000,000 zeros, which are UTF-8", () => new Uint8Array(5_000_000)],
  [
    "half a character at each end",
    () => Buffer.from(`\u{1f642}${"x".repeat(5_000)}\u{1f642}`).subarray(2, -2),
  ],
  ["every byte, twice over", () => Uint8Array.from({ length: 512 }, (_, at) => at % 256)],
];

describe.each([
  ["upstash", upstash],
  ["upstash by fetch alone", upstashByFetch],
])("over %s", (_client, open) => {
  let server: RedisServer;
  let rest: RestServer;
  let proxy: HttpProxy;
  let door: SideDoor;
  let seen: Buffer[] = [];

  beforeAll(async () => {
    server = await startTestRedis();
    rest = await startRest(server);
    proxy = await startHttpProxy({ target: rest.url, decide: () => "pass" });
    door = new SideDoor(server.url);
  });

  beforeEach(async () => {
    await door.redis.acl("SETUSER", "default", "+@all");
    await door.redis.flushall();
    seen = [];
  });

  afterAll(async () => {
    door.close();
    await proxy.close();
    await rest.close();
    await server.stop();
  });

  const drainBy = (engine: "scripted" | "plain", failing = false): Drain =>
    createDrain({
      redis: open({ url: proxy.url, token }),
      list: "mail",
      engine,
      codec: { decode: () => null },
      maxBatchBytes: 64 * 1024 * 1024,
      concurrency: 1,
      handler: ({ bytes, attempt }) => {
        seen.push(Buffer.from(bytes));
        return failing && attempt === 1 ? retry({ afterMs: 0 }) : undefined;
      },
    });

  describe.each(["scripted", "plain"] as const)("the %s engine", (engine) => {
    it.each(payloads)(
      "pushes and handles %s between innocent neighbours, once and in order",
      async (_, make) => {
        const bytes = make();
        const drain = drainBy(engine);
        expect(await drain.push(["before", bytes, "after"])).toEqual({ length: 3 });
        const report = await drain.run();
        expect(report).toMatchObject({ acked: 3, lostLease: 0, stopped: "empty", error: null });
        const expected = [Buffer.from("before"), Buffer.from(bytes), Buffer.from("after")];
        expect(seen.map((one) => one.length)).toEqual(expected.map((one) => one.length));
        expect(seen.every((one, at) => one.equals(expected[at] as Buffer))).toBe(true);
        expect(await door.everything()).toEqual({});
      },
    );

    it("takes a few requests for a hundred gzipped payloads, not one for each", async () => {
      const all = Array.from({ length: 100 }, (_, at) => gzipSync(`message ${at}`));
      const drain = drainBy(engine);
      const sentBefore = proxy.requests.length;
      await drain.push(all);
      expect(await drain.run()).toMatchObject({ acked: 100, stopped: "empty", error: null });
      expect(proxy.requests.length - sentBefore).toBeLessThan(20);
      expect(seen.every((one, at) => one.equals(all[at] as Buffer))).toBe(true);
      expect(await door.everything()).toEqual({});
    });
  });

  it("the plain engine needs no script for them where none may run", async () => {
    await door.redis.acl("SETUSER", "default", "-@scripting");
    const all = [...payloads.slice(0, 3).map(([, make]) => Buffer.from(make())), Buffer.from("text")];
    const drain = drainBy("plain", true);
    expect(await drain.push(all)).toEqual({ length: 4 });
    expect(await drain.run()).toMatchObject({ retried: 4, error: null });
    await door.makeDue("mail");
    expect(await drain.run()).toMatchObject({ acked: 4, stopped: "empty", error: null });
    expect(seen.slice(4).toSorted(Buffer.compare)).toEqual(all.toSorted(Buffer.compare));
    expect(await door.everything()).toEqual({});
  });

  it("one too large for any request hides no result of its neighbours", async () => {
    await door.redis.lpush("working", "before", "after");
    const client = open({ url: rest.url, token });
    const replies = await client.pipeline([
      ["LREM", "working", 1, "before"],
      ["LREM", "working", 1, "\xff".repeat(11_000_000)],
      ["LREM", "working", 1, "after"],
    ]);
    expect(replies).toEqual([1, expect.objectContaining({ code: "redis-reply" }), 1]);
    await expect(client.command(["LPUSH", "mail", "\xff".repeat(11_000_000)])).rejects.toMatchObject({
      status: 413,
    });
  });
});
