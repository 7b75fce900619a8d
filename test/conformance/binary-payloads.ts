import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { upstash } from "../../adapters/redis/upstash.ts";
import { createDrain, type Drain, retry } from "../../src/index.ts";
import { type HttpProxy, startHttpProxy } from "../support/http-proxy.ts";
import { testToken as token } from "../support/redis.ts";
import { useRestServer } from "../support/redis-under-test.ts";

export const engines = ["scripted", "plain"] as const;
type Engine = (typeof engines)[number];
export type NamedBytes = [name: string, make: () => Uint8Array];

/** Drains over REST whose handlers note the bytes they are given, and how many requests pass. */
export function useBinaryDrains(open: typeof upstash) {
  const redis = useRestServer();
  const { door } = redis;
  let proxy: HttpProxy;
  const seen: Buffer[] = [];

  beforeAll(async () => {
    proxy = await startHttpProxy({ target: redis.server().url, decide: () => "pass" });
  });
  beforeEach(async () => {
    await door.redis.acl("SETUSER", "default", "+@all");
    seen.length = 0;
  });
  afterAll(() => proxy?.close());

  return {
    door,
    seen,
    client: () => open({ url: redis.server().url, token }),
    requestCount: () => proxy.requests.length,
    drainBy: (engine: Engine, failing = false): Drain =>
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
      }),
  };
}

/** Each payload arrives as it was pushed. */
export function carriesSuite(
  { drainBy, seen, door }: ReturnType<typeof useBinaryDrains>,
  engine: Engine,
  payloads: readonly NamedBytes[],
): void {
  it.each(payloads)(
    "pushes and handles %s between innocent neighbours, once and in order",
    async (_, make) => {
      const bytes = make();
      const drain = drainBy(engine);
      expect(await drain.push(["before", bytes, "after"])).toMatchObject({ length: 3 });
      const report = await drain.run();
      expect(report).toMatchObject({ acked: 3, lostLease: 0, stopped: "empty", error: null });
      const expected = [Buffer.from("before"), Buffer.from(bytes), Buffer.from("after")];
      expect(seen.map((one) => one.length)).toEqual(expected.map((one) => one.length));
      expect(seen.every((one, at) => one.equals(expected[at] as Buffer))).toBe(true);
      expect(await door.everything()).toEqual({});
    },
  );
}
