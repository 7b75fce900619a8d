import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { upstash } from "../../adapters/redis/upstash.ts";
import { upstash as upstashByFetch } from "../../adapters/redis/upstash-fetch.ts";
import { carriesSuite, engines, type NamedBytes, useBinaryDrains } from "../conformance/binary-payloads.ts";

/** Near what one request may hold. */
const payloads: NamedBytes[] = [
  ["9,000,000 random bytes", () => randomBytes(9_000_000)],
  ["5,000,000 zeros, which are UTF-8", () => new Uint8Array(5_000_000)],
];

describe.each([
  ["upstash", upstash],
  ["upstash by fetch alone", upstashByFetch],
])("over %s", (_client, open) => {
  const drains = useBinaryDrains(open);
  const { door } = drains;

  describe.each(engines)("the %s engine", (engine) => carriesSuite(drains, engine, payloads));

  it("one too large for any request hides no result of its neighbours", async () => {
    await door.redis.lpush("working", "before", "after");
    const client = drains.client();
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
