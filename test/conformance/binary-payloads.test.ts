import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { upstash } from "../../adapters/redis/upstash.ts";
import { upstash as upstashByFetch } from "../../adapters/redis/upstash-fetch.ts";
import { carriesSuite, engines, type NamedBytes, useBinaryDrains } from "./binary-payloads.ts";

/** Bytes that JSON cannot carry, or only at a multiple of their length; larger ones are in `test/long`. */
const payloads: NamedBytes[] = [
  ["one byte that is no UTF-8", () => Uint8Array.of(0xff)],
  ["20,000 random bytes", () => randomBytes(20_000)],
  ["70,000 random bytes", () => randomBytes(70_000)],
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
  const drains = useBinaryDrains(open);
  const { door, seen, drainBy, requestCount } = drains;

  describe.each(engines)("the %s engine", (engine) => {
    carriesSuite(drains, engine, payloads);

    it("takes a few requests for a hundred gzipped payloads, not one for each", async () => {
      const all = Array.from({ length: 100 }, (_, at) => gzipSync(`message ${at}`));
      const drain = drainBy(engine);
      const sentBefore = requestCount();
      await drain.push(all);
      expect(await drain.run()).toMatchObject({ acked: 100, stopped: "empty", error: null });
      expect(requestCount() - sentBefore).toBeLessThan(20);
      expect(seen.every((one, at) => one.equals(all[at] as Buffer))).toBe(true);
      expect(await door.everything()).toEqual({});
    });
  });

  it("the plain engine needs no script for them where none may run", async () => {
    await door.redis.acl("SETUSER", "default", "-@scripting");
    const all = [...payloads.slice(0, 3).map(([, make]) => Buffer.from(make())), Buffer.from("text")];
    const drain = drainBy("plain", true);
    expect(await drain.push(all)).toMatchObject({ length: 4 });
    expect(await drain.run()).toMatchObject({ retried: 4, error: null });
    await door.makeDue("mail");
    expect(await drain.run()).toMatchObject({ acked: 4, stopped: "empty", error: null });
    expect(seen.slice(4).toSorted(Buffer.compare)).toEqual(all.toSorted(Buffer.compare));
    expect(await door.everything()).toEqual({});
  });
});
