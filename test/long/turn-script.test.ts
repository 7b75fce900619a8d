import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Backend } from "../../adapters/local/backend.ts";
import { memory } from "../../adapters/local/memory.ts";
import { redisBackend } from "../../adapters/local/redis-backend.ts";
import type { RedisServer } from "../../adapters/local/redis-process.ts";
import { takeDeadScript } from "../../src/broker/scripts/take-dead.ts";
import { turnScript } from "../../src/broker/scripts/turn/index.ts";
import {
  encodeTurnRequest,
  type TurnPolicy,
  type TurnRequest,
  turnKeys,
} from "../../src/broker/turn-request.ts";
import { sha1Hex } from "../../src/digest.ts";
import type { RedisReply } from "../../src/index.ts";
import { listKeys } from "../../src/redis/keys.ts";
import { startTestRedis } from "../support/redis.ts";

const keys = listKeys("q");
const { list, leases, delayed, dead, brake, base } = keys;

/** Far from now on either side, so that a second more or less on a clock changes nothing. */
const longAgo = 1_000_000;
const farAhead = 99_999_999_999_999;

type Step =
  | { do: "push"; payload: string }
  | { do: "delay"; payload: string; isDue: boolean; record: string }
  | { do: "mark"; id: string; payload: string }
  | { do: "brake"; isYoung: boolean; hasEnded: boolean; probe: string }
  | { do: "expire"; id: string }
  | { do: "clobber" }
  | { do: "take-dead"; mode: "redrive" | "purge"; order: "oldest" | "newest"; first: number; count: number }
  | TurnStep;
type TurnStep = { do: "turn"; keys: readonly string[]; args: readonly (string | number)[] };

/** What no text holds, and what looks like something of ours: the bytes of each must come and go as they are. */
const hostile = [
  "",
  "\0",
  "a\0b",
  Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join(""),
  "\xc3\x28",
  "\xed\xa0\x80",
  "long".repeat(5_000),
  "1.0.0@1000:,!x",
  '{"id":"d.1.1"}\nx',
  "%s%d%.0f",
];
const payload = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("a", "bb", "ccc", "\xff", "a") },
  { weight: 1, arbitrary: fc.constantFrom(...hostile) },
);

const id = fc.constantFrom("d.1", "d.2", "d.3", "e.1", "e.2", "f.10");
const maybeId = fc.oneof(fc.constant(""), id);
const letters = fc.constantFrom("a", "a", "a", "c", "f", "f", "w", "x", "d", "r", "k", "o");
const outcomes = fc.oneof(
  {
    weight: 15,
    arbitrary: fc.array(letters, { maxLength: 4 }).map((all) => {
      // Something must be settled: a drain never keeps all.
      return all.every((letter) => letter === "k") ? "a".repeat(Math.max(1, all.length)) : all.join("");
    }),
  },
  { weight: 1, arbitrary: fc.constant("*") },
);

/** What each letter wants; delays of nothing or far ahead, so that no second matters. */
function detailsOf(given: string, isSoon: boolean): (string | number)[] {
  const delay = isSoon ? 0 : 50_000_000;
  return [...given].flatMap((letter, at): (string | number)[] => {
    if (letter === "f" || letter === "w") return [delay];
    if (letter === "x" || letter === "d") return [`"reason":"no ${at}"}`];
    if (letter === "o") return [at % 2 ? `0 f ${delay}` : `${farAhead} x "reason":"over"}`];
    return [];
  });
}

const record = fc.constantFrom("", "1.0.0@1000", "2.1.0@1000", "4.2.3@1000", "1.1.1@1000");
/** maxAttempts, deadCountMax, deadAgeMsMax, batchSize, and the brake. */
const policy = fc
  .constantFrom<[number, number, number, number, TurnPolicy["brake"]]>(
    [5, 0, 0, 4, { after: 10, pauseMs: 1_000, maxPauseMs: 60_000, maxMs: 3_600_000 }],
    [2, 2, 0, 20, { after: 1, pauseMs: 60_000_000, maxPauseMs: 60_000_000, maxMs: 3_600_000 }],
    [3, 1, 1, 30, { after: 2, pauseMs: 50_000_000, maxPauseMs: 50_000_000, maxMs: 3_600_000 }],
    [5, 0, 0, 100, false],
    [1, 0, 500_000_000, 4, { after: 3, pauseMs: 50_000_000, maxPauseMs: 50_000_000, maxMs: 3_600_000 }],
  )
  .map(
    ([maxAttempts, deadCountMax, deadAgeMsMax, batchSize, brake]): TurnPolicy => ({
      maxAttempts,
      deadCountMax,
      deadAgeMsMax,
      batchSize,
      brake,
    }),
  );
const turn = fc
  .record({
    settleId: maybeId,
    mayHaveRun: fc.boolean(),
    outcomes,
    claimId: maybeId,
    holdsId: fc.oneof({ weight: 4, arbitrary: fc.constant("") }, { weight: 1, arbitrary: id }),
    recoverIds: fc.oneof(
      fc.constant([]),
      fc.subarray(["d.1", "d.2", "d.3", "e.1", "e.2", "f.10"]),
      fc.constant(["d.1", "d.2", "d.3", "e.1", "e.2", "f.10"]),
    ),
    countMax: fc.integer({ min: 0, max: 4 }),
    bytesMax: fc.constantFrom(1, 5, 1_000),
    sizeHint: fc.constantFrom(0, 1, 3, 20_000),
    maxConcurrency: fc.constantFrom(1, 2),
    looks: fc.boolean(),
    recoverMax: fc.constantFrom(1, 2, 100),
    promoteMax: fc.constantFrom(1, 100),
    countsRemaining: fc.boolean(),
    isSoon: fc.boolean(),
    marksBusy: fc.constantFrom<TurnRequest["marksBusy"]>("no", "yes", "beside"),
    busyUntil: fc.constantFrom(0, 1, farAhead),
    policy,
  })
  .map(({ settleId, claimId, outcomes, isSoon, recoverMax, promoteMax, ...given }): TurnStep => {
    const settle: TurnRequest["settle"] = {
      id: settleId,
      expiresAt: farAhead,
      mayHaveRun: given.mayHaveRun,
      codes: outcomes || "a",
      details: detailsOf(outcomes, isSoon),
    };
    const { holdsId, countMax, bytesMax, sizeHint, ...others } = given;
    const request: TurnRequest = {
      ...others,
      holder: claimId === "" ? "d" : (claimId.split(".")[0] as string),
      settle: settleId === "" ? null : settle,
      claim:
        claimId === "" ? null : { id: claimId, holdsId, leaseMs: 50_000_000, countMax, bytesMax, sizeHint },
    };
    const args = encodeTurnRequest(request, given.mayHaveRun);
    // What a drain never changes, and what shows most when it is small.
    args.splice(12, 2, recoverMax, promoteMax);
    return { do: "turn", keys: turnKeys(keys, request), args };
  });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("push" as const),
      payload,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("delay" as const),
      payload: fc.oneof(fc.constantFrom("d:1", "d2"), payload),
      isDue: fc.boolean(),
      record,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("mark" as const),
      id,
      payload,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("brake" as const),
      isYoung: fc.boolean(),
      hasEnded: fc.boolean(),
      probe: id,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("expire" as const), id }) },
  { weight: 1, arbitrary: fc.constant({ do: "clobber" as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("take-dead" as const),
      mode: fc.constantFrom("redrive" as const, "purge" as const),
      order: fc.constantFrom("oldest" as const, "newest" as const),
      first: fc.integer({ min: -5, max: 2 }),
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 8, arbitrary: turn },
);

function act(backend: Backend, one: Step, at: number): Promise<unknown> {
  return run(backend, one, at).catch((error: Error) => error.message.replace(/ script: .*$/, ""));
}

async function run(backend: Backend, one: Step, at: number): Promise<unknown> {
  switch (one.do) {
    case "push":
      return (await backend.pipeline([["LPUSH", list, one.payload]]))[0] instanceof Error;
    case "delay":
      return backend.command([
        "ZADD",
        delayed,
        (one.isDue ? longAgo : farAhead) + at,
        `${at}${one.record && `!${one.record}`}:${one.payload}`,
      ]);
    case "mark":
      return backend.command(["HSET", `${base}done:${one.id}`, at, sha1Hex(one.payload)]);
    case "brake":
      return backend.command([
        "HSET",
        brake,
        "since",
        one.isYoung ? farAhead : longAgo,
        "until",
        one.hasEnded ? longAgo : farAhead,
        "pauses",
        at,
        "probe",
        one.probe,
      ]);
    case "expire":
      return backend.command(["ZADD", leases, "XX", longAgo + at, one.id]);
    case "clobber":
      // Only an empty place is taken, so that nothing is lost by it; the next push finds it of the wrong kind.
      if ((await backend.command(["EXISTS", list])) === 0) return backend.command(["SET", list, "no list"]);
      if ((await backend.command(["TYPE", list])) === "string") return backend.command(["DEL", list]);
      return null;
    case "take-dead": {
      // Each side by its own digests: an entry tells when it was made.
      const entries = (await backend.command(["LRANGE", dead, 0, -1])) as string[];
      const wanted = entries.slice(-one.count).map(sha1Hex);
      const args = [one.mode, one.order, one.first, -1, ...wanted, "0".repeat(40)];
      return backend.command(["EVAL", takeDeadScript, 2, list, dead, ...args]);
    }
    case "turn":
      return backend
        .command(["EVAL", turnScript, one.keys.length, ...one.keys, ...one.args])
        .then(withoutTime);
  }
}

/** The reply without what depends on when it was given. */
function withoutTime(reply: RedisReply): unknown {
  const fields: unknown[] = [...(reply as RedisReply[])];
  fields[4] = typeof fields[4];
  fields[5] = (fields[5] as number) > 0;
  fields[3] = (fields[3] as string[]).map(timeless);
  // When the next is due may be a moment counted from now.
  fields[7] = (fields[7] as number) < 0 ? -1 : Math.round((fields[7] as number) / 1e7);
  fields[13] = (fields[13] as string[]).map(timeless);
  fields[14] = Math.round((fields[14] as number) / 1e7);
  return fields;
}

/** Moments of now, which differ on the two sides by a little, as one word. */
function timeless(text: string): string {
  return text.replace(/1[7-9]\d{11}/g, "now").replace(/^\d{6}\.(?=\d{5}\.)/, "");
}

async function everything(backend: Backend): Promise<unknown> {
  const found: Record<string, unknown> = {};
  for (const key of ((await backend.command(["KEYS", "*"])) as string[]).sort()) {
    const kind = await backend.command(["TYPE", key]);
    if (kind === "list") {
      found[key] = ((await backend.command(["LRANGE", key, 0, -1])) as string[]).map(timeless);
    }
    if (kind === "zset") {
      const members = (await backend.command(["ZRANGE", key, 0, -1])) as string[];
      // Live leases made within one ms on one side and not on the other stand in another order.
      found[key] = key === leases ? members.sort() : members.map(timeless);
    } else if (kind === "string") found[key] = await backend.command(["GET", key]);
    else if (kind === "hash") {
      const flat = (await backend.command(["HGETALL", key])) as string[];
      found[key] = Object.fromEntries(
        flat.flatMap((field, at) => (at % 2 ? [] : [[field, timeless(flat[at + 1] as string)]])),
      );
    }
  }
  return found;
}

describe("the scripts on the embedded store", () => {
  let server: RedisServer;
  let real: Backend;

  beforeAll(async () => {
    server = await startTestRedis();
    real = redisBackend({ url: server.url });
  });

  afterAll(async () => {
    await real.close();
    await server.stop();
  });

  it("answer as on a real Redis, and leave the same keys, after any sequence of turns", async () => {
    const turns = { answered: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), async (steps) => {
        await real.command(["FLUSHALL"]);
        const store = memory();
        for (const [at, one] of steps.entries()) {
          const [wanted, got] = [await act(real, one, at), await act(store, one, at)];
          expect({ one, reply: got }).toEqual({ one, reply: wanted });
          if (one.do === "turn") turns[Array.isArray(wanted) ? "answered" : "refused"] += 1;
        }
        expect(await everything(store)).toEqual(await everything(real));
      }),
      { numRuns: 300 },
    );
    // Turns that are refused alike would show nothing.
    expect(turns.answered).toBeGreaterThan(10 * turns.refused);
  });
});
