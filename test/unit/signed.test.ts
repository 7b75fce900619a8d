import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import {
  memoryNonces,
  type NonceStore,
  redisNonces,
  signatureHeader,
  signedReceiver,
  signRequest,
  type VerifyOptions,
  verifyRequest,
} from "../../adapters/continue/signed/index.ts";
import type { RedisServer } from "../../adapters/local/redis-process.ts";
import { OptionError, RedisTransportError } from "../../src/index.ts";
import { startTestRedis, upstashTo } from "../support/redis.ts";
import { SideDoor } from "../support/side-door.ts";

const key = "a key of thirty-two bytes, or more";
const oldKey = "an older key, of thirty-two bytes too";
const now = 1_800_000_000_000;
const call = { method: "POST", url: "https://drain.example/drain?list=mail", body: '{"list":"mail"}' };

/** A nonce store that tells how often it was asked. */
function countedNonces(): NonceStore & { asked: number } {
  const inner = memoryNonces({ now: () => now });
  const counted = {
    asked: 0,
    consume: (nonce: string, ttlMs: number) => {
      counted.asked += 1;
      return inner.consume(nonce, ttlMs);
    },
  };
  return counted;
}

interface Call {
  readonly method: string;
  readonly url: string;
  readonly body: string | Uint8Array;
}

async function sign(request: Call = call, ttlMs = 30_000, with_ = key): Promise<Record<string, string>> {
  return signRequest(request, { key: with_, now, ttlMs });
}

async function verdict(
  request: Call,
  headers: Record<string, string>,
  options: Partial<VerifyOptions> = {},
): Promise<string> {
  const all = { keys: [key], nonces: memoryNonces(), now, ...options };
  const said = await verifyRequest({ ...request, headers }, all);
  return said.ok ? "ok" : said.reason;
}

const anyCall = fc.record({
  method: fc.constantFrom("GET", "POST", "PUT", "DELETE"),
  url: fc.webUrl({ withQueryParameters: true }),
  body: fc.oneof(fc.string({ unit: "binary" }), fc.uint8Array()),
});

describe("a signed call", () => {
  it("is taken once, and its body comes back byte for byte", async () => {
    await fc.assert(
      fc.asyncProperty(anyCall, async (request) => {
        const headers = await sign(request);
        const nonces = memoryNonces({ now: () => now });
        const said = await verifyRequest({ ...request, headers }, { keys: [key], nonces, now });
        const bytes =
          typeof request.body === "string" ? Buffer.from(request.body) : Buffer.from(request.body);
        expect(said).toMatchObject({ ok: true, keyAt: 0 });
        expect(said.ok && Buffer.from(said.body).equals(bytes)).toBe(true);
        expect(await verdict(request, headers, { nonces })).toBe("replayed");
      }),
    );
  });

  it("is taken from a Request, whose stream is read", async () => {
    const headers = await sign();
    const request = new Request(call.url, { method: "POST", headers, body: call.body });
    const said = await verifyRequest(request, { keys: [key], nonces: memoryNonces(), now });
    expect(said.ok && Buffer.from(said.body).toString()).toBe(call.body);
  });

  it("is taken with the headers of any realm or package", async () => {
    const headers = new Map(Object.entries(await sign()));
    const foreign = { get: (name: string) => headers.get(name) ?? null } as Headers;
    const all = { keys: [key], nonces: memoryNonces({ now: () => now }), now };
    expect(await verifyRequest({ ...call, headers: foreign }, all)).toMatchObject({ ok: true });
  });

  it("is refused where its body ends after its time, whoever holds it back: its nonce may be forgotten by then", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now });
    onTestFinished(() => void vi.useRealTimers());
    const headers = await sign();
    const nonces = memoryNonces();
    const slow = (endsAt: number): Request => {
      const body = new ReadableStream({
        pull(stream) {
          vi.setSystemTime(endsAt);
          stream.enqueue(new TextEncoder().encode(call.body));
          stream.close();
        },
      });
      return new Request(call.url, { method: "POST", headers, body, duplex: "half" } as RequestInit);
    };
    const verify = (request: Request) => verifyRequest(request, { keys: [key], nonces });
    expect(await verify(slow(now + 34_000))).toMatchObject({ ok: true });
    vi.setSystemTime(now);
    expect(await verify(slow(now + 36_000))).toEqual({ ok: false, reason: "expired" });
    vi.setSystemTime(now);
    expect(await verify(slow(now + 34_999))).toEqual({ ok: false, reason: "replayed" });
  });

  it.each(["clockSkewMs", "ttlMsMax", "bodyBytesMax", "now"])(
    "is not verified with a %s that is no number, for then it would count for ever",
    async (option) => {
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, -1]) {
        await expect(verdict(call, await sign(), { [option]: bad })).rejects.toThrow(
          expect.objectContaining({ name: "OptionError", option }),
        );
      }
    },
  );

  it("may come through a proxy that changes host and scheme, but no path and no query", async () => {
    expect(await verdict({ ...call, url: "http://10.0.0.7:3000/drain?list=mail" }, await sign())).toBe("ok");
    expect(await verdict({ ...call, url: "/drain?list=mail" }, await sign())).toBe("ok");
    expect(await verdict({ ...call, url: "//drain?list=mail" }, await sign())).toBe("forged");
  });

  it("is refused where method, path, query or body is another, and Redis is not asked", async () => {
    await fc.assert(
      fc.asyncProperty(anyCall, anyCall, fc.constantFrom("method", "url", "body"), async (one, two, part) => {
        const altered = { ...one, [part]: two[part] };
        const partsOf = ({ method, url, body }: Call) => {
          const { pathname, search } = new URL(url);
          return [method, pathname, search, Buffer.from(body as string).toString("hex")].join("\n");
        };
        fc.pre(partsOf(altered) !== partsOf(one));
        const nonces = countedNonces();
        expect(await verdict(altered, await sign(one), { nonces })).toBe("forged");
        expect(nonces.asked).toBe(0);
      }),
    );
  });

  it("is refused where any character of its header is another, and Redis is not asked", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.string({ minLength: 0, maxLength: 2, unit: "binary" }),
        async (seed, by) => {
          const value = (await sign())[signatureHeader] as string;
          const at = seed % value.length;
          const altered = `${value.slice(0, at)}${by}${value.slice(at + 1)}`;
          fc.pre(altered !== value);
          const nonces = countedNonces();
          expect(await verdict(call, { [signatureHeader]: altered }, { nonces })).not.toBe("ok");
          expect(nonces.asked).toBe(0);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("cannot be given a longer life, another nonce, or another method", async () => {
    const value = (await sign())[signatureHeader] as string;
    const later = value.replace(/expires=(\d+)/, (_whole, ms) => `expires=${Number(ms) + 1}`);
    const fresh = value.replace(/nonce=.{32}/, `nonce=${"0".repeat(32)}`);
    expect(await verdict(call, { [signatureHeader]: value })).toBe("ok");
    expect(await verdict(call, { [signatureHeader]: later })).toBe("forged");
    expect(await verdict(call, { [signatureHeader]: fresh })).toBe("forged");
    expect(await verdict({ ...call, method: "PUT" }, { [signatureHeader]: value })).toBe("forged");
  });

  it("cannot be made of another by moving bytes from one part into the next", async () => {
    const headers = await signRequest({ method: "POST", url: "/a", body: "b" }, { key, now });
    expect(await verdict({ method: "POST", url: "/ab", body: "" }, headers)).toBe("forged");
    const quoted = await signRequest({ method: "POST", url: '/a","x', body: "" }, { key, now });
    expect(await verdict({ method: 'POST","/a', url: "/x", body: "" }, quoted)).toBe("forged");
  });

  it("is refused after its expiry, and where it would expire too late; a clock's skew is forgiven", async () => {
    const headers = await sign(call, 30_000);
    const at = (ms: number) => verdict(call, headers, { now: now + ms, clockSkewMs: 5_000 });
    expect(await at(35_000)).toBe("ok");
    expect(await at(35_001)).toBe("expired");
    expect(await at(-5_000)).toBe("ok");
    const late = (ttlMs: number) =>
      sign(call, ttlMs).then((signed) => verdict(call, signed, { ttlMsMax: 60_000 }));
    expect(await late(65_000)).toBe("ok");
    expect(await late(65_001)).toBe("expires-too-late");
  });

  it("is remembered until no clock within the skew takes it for good any more, and a minute longer for slow requests", async () => {
    const headers = await sign(call, 30_000);
    let remembered = 0;
    const nonces: NonceStore = {
      consume: async (_nonce, ttlMs) => {
        remembered = ttlMs;
        return true;
      },
    };
    await verdict(call, headers, { nonces, now: now + 10_000, clockSkewMs: 5_000 });
    const goodUntil = now + 30_000 + 5_000;
    expect(now + 10_000 + remembered).toBe(goodUntil + 5_000 + 60_000);
  });

  it("is not taken twice where the clock of the nonces gives no number", async () => {
    const nonces = memoryNonces({ now: () => Number.NaN });
    const headers = await sign();
    expect(await verdict(call, headers, { nonces })).toBe("ok");
    expect(await verdict(call, headers, { nonces })).toBe("replayed");
  });

  it("is taken with the new and the old key while they are rotated, and with no other", async () => {
    const keys = [key, oldKey];
    const nonces = memoryNonces();
    const verify = async (headers: Record<string, string>) =>
      verifyRequest({ ...call, headers }, { keys, nonces, now });
    expect(await verify(await sign())).toMatchObject({ ok: true, keyAt: 0 });
    expect(await verify(await sign(call, 30_000, oldKey))).toMatchObject({ ok: true, keyAt: 1 });
    expect(await verdict(call, await sign(call, 30_000, oldKey))).toBe("forged");
  });

  it.each([
    ["no header", {}, "unsigned"],
    ["an empty one", { [signatureHeader]: "" }, "malformed"],
    ["another version", { [signatureHeader]: "v2;expires=1;nonce=0123456789abcdef;mac=" }, "malformed"],
    ["a header of a megabyte", { [signatureHeader]: `v1;expires=${"9".repeat(1_000_000)}` }, "malformed"],
    [
      "a nonce of a megabyte",
      { [signatureHeader]: `v1;expires=1;nonce=${"a".repeat(1_000_000)}` },
      "malformed",
    ],
    [
      "an expiry that is no date",
      { [signatureHeader]: "v1;expires=-1;nonce=0123456789abcdef;mac=00" },
      "malformed",
    ],
  ])("is refused with %s", async (_title, headers, reason) => {
    expect(await verdict(call, headers as Record<string, string>)).toBe(reason);
  });

  it("is refused with two signatures, whichever is good", async () => {
    const headers = new Headers(await sign());
    headers.append(signatureHeader, (await sign())[signatureHeader] as string);
    const request = { ...call, headers };
    const said = await verifyRequest(request, { keys: [key], nonces: memoryNonces(), now });
    expect(said).toEqual({ ok: false, reason: "malformed" });
  });

  it("is not read further than the largest body", async () => {
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulled += 1;
        controller.enqueue(new Uint8Array(1_024));
      },
    });
    const init = { method: "POST", headers: await sign(), body, duplex: "half" } as RequestInit;
    const options = { keys: [key], nonces: memoryNonces(), now, bodyBytesMax: 4_096 };
    expect(await verifyRequest(new Request(call.url, init), options)).toEqual({
      ok: false,
      reason: "too-large",
    });
    expect(pulled).toBeLessThan(10);
  });

  it("wants keys of 32 bytes, and shows none in its errors", async () => {
    const weak = "thirty-one bytes are not enough";
    const errors = await Promise.all([
      signRequest(call, { key: weak }).catch((error: unknown) => error),
      verdict(call, {}, { keys: [key, weak] }).catch((error: unknown) => error),
      verdict(call, {}, { keys: [] }).catch((error: unknown) => error),
      verdict(call, {}, { keys: [undefined as unknown as string] }).catch((error: unknown) => error),
    ]);
    for (const error of errors) {
      expect(error).toBeInstanceOf(OptionError);
      expect(String(error)).not.toContain("thirty");
    }
  });

  it.each([
    ["a short nonce", { nonce: "short" }],
    ["a nonce with other characters", { nonce: "0123456789abcdef;mac=" }],
    ["no time", { ttlMs: 0 }],
    ["a time that is no number", { ttlMs: Number.NaN }],
  ])("is not signed with %s", async (_title, options) => {
    await expect(signRequest(call, { key, ...options })).rejects.toThrow(OptionError);
  });

  it("is refused where whether its nonce is new is not known", async () => {
    const nonces: NonceStore = { consume: () => Promise.reject(new Error("no reply")) };
    await expect(verdict(call, await sign(), { nonces })).rejects.toThrow("no reply");
  });
});

describe("nonces in memory", () => {
  it("count until their time has passed, and are then forgotten", async () => {
    let time = 0;
    const nonces = memoryNonces({ countMax: 2, now: () => time });
    expect(await nonces.consume("a", 10)).toBe(true);
    expect(await nonces.consume("a", 10)).toBe(false);
    expect(await nonces.consume("b", 20)).toBe(true);
    time = 10;
    expect(await nonces.consume("c", 20)).toBe(true);
  });

  it("refuse a further one, and forget none, where there are too many", async () => {
    const nonces = memoryNonces({ countMax: 1, now: () => 0 });
    expect(await nonces.consume("a", 10)).toBe(true);
    await expect(nonces.consume("b", 10)).rejects.toThrow("More than 1");
    expect(await nonces.consume("a", 10)).toBe(false);
    expect(() => memoryNonces({ countMax: 0 })).toThrow(OptionError);
  });
});

describe("nonces in Redis", () => {
  let server: RedisServer;
  let door: SideDoor;
  beforeAll(async () => {
    server = await startTestRedis();
    door = new SideDoor(server.url);
  });
  afterAll(async () => {
    door.close();
    await server.stop();
  });

  it("cost one command each, and one of ten that ask at once is the first", async () => {
    const client = await upstashTo(server);
    const nonces = redisNonces(client);
    await door.resetCommandCount();
    const said = await Promise.all(Array.from({ length: 10 }, () => nonces.consume("once", 60_000.5)));
    expect(said.filter((isFirst) => isFirst)).toHaveLength(1);
    expect(await door.commandCount()).toBe(10);
    expect(await door.everything()).toEqual({ "spillway:nonce:once": "" });
    expect(await door.redis.pttl("spillway:nonce:once")).toBeGreaterThan(50_000);
    await client.close();
  });

  it("are not known where Redis is not there, and that is an error", async () => {
    const client = await upstashTo(server);
    await client.close();
    await expect(redisNonces(client, { prefix: "é:" }).consume("x", 1)).rejects.toThrow(RedisTransportError);
  });
});

describe("who takes signed hops", () => {
  it.each<[string, object]>([
    ["no key", { keys: [] }],
    ["a weak key", { keys: ["short"] }],
    ["no nonce store", { nonces: {} }],
    ["a clock skew that is no number", { clockSkewMs: Number.NaN }],
    ["a negative size", { bodyBytesMax: -1 }],
  ])("is not made with %s", (_title, options) => {
    const good = { keys: [key], nonces: memoryNonces() };
    expect(() => signedReceiver({ ...good, ...options })).toThrow(OptionError);
  });
});
