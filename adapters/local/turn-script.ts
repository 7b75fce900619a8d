import { type ByteString, type RedisReply, RedisReplyError } from "../../src/index.ts";
import { sha1Hex, turnScript, turnScriptWhenFull } from "../../src/internals.ts";
import type { Call, ScriptTable } from "./store/store.ts";

/**
 * The turn script in TypeScript, for the embedded store: the same commands in the same order as
 * `src/broker/scripts/turn.ts`, whose header is the reference. A differential test holds the two together.
 */
function turn(redisCall: Call, keys: readonly ByteString[], args: readonly ByteString[]): RedisReply {
  return new Turn(redisCall, keys, args).run();
}

/** The scripts of the embedded store. */
export const scripts: ScriptTable = new Map([
  [sha1Hex(turnScript), turn],
  [sha1Hex(turnScriptWhenFull), turn],
]);

class Turn {
  readonly #redisCall: Call;
  readonly #keys: { list: ByteString; leases: ByteString; attempts: ByteString; delayed: ByteString };
  readonly #prefix: ByteString;
  readonly #settleId: ByteString;
  readonly #settleExpiresAt: number;
  readonly #outcomes: string;
  readonly #claimId: ByteString;
  readonly #holder: ByteString;
  readonly #holdsId: ByteString;
  readonly #leaseMs: number;
  readonly #countMax: number;
  readonly #bytesMax: number;
  readonly #maxConcurrency: number;
  #inspect: boolean;
  readonly #recoverMax: number;
  readonly #promoteMax: number;
  readonly #countRemaining: boolean;
  #calls = 0;
  #now = 0;
  #settled = 0;
  #claimed = 0;
  #messages: ByteString[] = [];
  #earlier: number[] = [];
  #expiresAt = 0;
  #recovered = 0;
  #nextDueAt = -1;
  #remaining = -1;
  #horizon = -1;
  #isQuiet = 0;
  #problem = "";
  #isRepeat = false;
  #again: ByteString | null = null;
  #listLength = -1;

  constructor(redisCall: Call, keys: readonly ByteString[], args: readonly ByteString[]) {
    const at = (index: number): ByteString => args[index] as ByteString;
    const [list, leases, attempts, delayed] = keys as [ByteString, ByteString, ByteString, ByteString];
    this.#redisCall = redisCall;
    this.#keys = { list, leases, attempts, delayed };
    this.#prefix = at(0);
    this.#settleId = at(1);
    this.#settleExpiresAt = Number(at(2));
    this.#outcomes = at(3);
    this.#claimId = at(4);
    this.#holder = at(5);
    this.#holdsId = at(6);
    this.#leaseMs = Number(at(7));
    this.#countMax = Number(at(8));
    this.#bytesMax = Number(at(9));
    this.#maxConcurrency = Number(at(10));
    this.#inspect = at(11) === "1" || this.#settleId === "";
    this.#recoverMax = Number(at(12));
    this.#promoteMax = Number(at(13));
    this.#countRemaining = at(14) === "1";
  }

  run(): RedisReply {
    const [seconds, micros] = this.#call("TIME") as [string, string];
    this.#now = Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
    if (this.#settleId !== "") this.#settle();
    try {
      this.#lookAroundAndClaim();
      if (this.#countRemaining) this.#remaining = this.#call("LLEN", this.#keys.list) as number;
    } catch (error) {
      if (!(error instanceof RedisReplyError)) throw error;
      this.#claimed = 3;
      this.#messages = [];
      this.#earlier = [];
      this.#problem = error.message;
    }
    return [
      this.#settled,
      this.#claimed,
      this.#messages,
      this.#earlier,
      this.#now,
      this.#expiresAt,
      this.#recovered,
      this.#nextDueAt,
      this.#remaining,
      this.#horizon,
      this.#isQuiet,
      this.#problem,
      this.#calls,
    ];
  }

  #call(name: string, ...args: (ByteString | number)[]): RedisReply {
    this.#calls += 1;
    return this.#redisCall([name, ...args]);
  }

  #readAttempts(messages: readonly ByteString[]): { digests: string[]; counts: number[] } {
    const digests = messages.map(sha1Hex);
    const counts: number[] = [];
    for (const chunk of chunked(digests)) {
      const found = this.#call("HMGET", this.#keys.attempts, ...chunk) as (string | null)[];
      counts.push(...found.map((count) => Number(count ?? 0)));
    }
    return { digests, counts };
  }

  #countAttempt(messages: readonly ByteString[]): void {
    const { digests, counts } = this.#readAttempts(messages);
    const total = new Map<string, number>();
    for (const [at, digest] of digests.entries())
      total.set(digest, (total.get(digest) ?? counts[at] ?? 0) + 1);
    this.#variadic("HSET", this.#keys.attempts, [...total].flat());
  }

  #variadic(command: string, key: ByteString, values: readonly (ByteString | number)[]): number {
    let reply: RedisReply = 0;
    for (const chunk of chunked(values)) reply = this.#call(command, key, ...chunk);
    return reply as number;
  }

  #settle(): void {
    const working = this.#prefix + this.#settleId;
    let isHeld: boolean;
    if (/[^a]/.test(this.#outcomes)) {
      isHeld = this.#call("ZSCORE", this.#keys.leases, this.#settleId) !== null;
      if (isHeld) this.#settlePartly(working);
      this.#inspect = true;
    } else {
      isHeld = this.#call("ZREM", this.#keys.leases, this.#settleId) === 1;
      if (isHeld) this.#call("DEL", working);
    }
    if (!isHeld) {
      this.#again =
        this.#claimId !== ""
          ? (this.#call("ZSCORE", this.#keys.leases, this.#claimId) as string | null)
          : null;
      this.#isRepeat = this.#again !== null || this.#now < this.#settleExpiresAt;
    }
    this.#settled = this.#isRepeat ? 3 : isHeld ? 1 : 2;
  }

  #settlePartly(working: ByteString): void {
    const batch = (this.#call("LRANGE", working, 0, -1) as ByteString[]).reverse();
    if (batch.length !== this.#outcomes.length) {
      this.#isRepeat = true;
      return;
    }
    const pick = (letter: string): ByteString[] => batch.filter((_, at) => this.#outcomes[at] === letter);
    const [failed, released, kept, finished] = [pick("f"), pick("r"), pick("k"), pick("c")];
    const { list, leases, attempts } = this.#keys;
    if (failed.length > 0) this.#listLength = this.#variadic("LPUSH", list, failed);
    if (released.length > 0) this.#listLength = this.#variadic("RPUSH", list, released.reverse());
    if (failed.length > 0) {
      this.#countAttempt(failed);
      this.#horizon = this.#listLength - failed.length;
    }
    if (finished.length > 0) this.#variadic("HDEL", attempts, finished.map(sha1Hex));
    if (kept.length > 0) {
      this.#variadic("RPUSH", working, kept.reverse());
      this.#call("LTRIM", working, batch.length, -1);
    } else {
      this.#call("ZREM", leases, this.#settleId);
      this.#call("DEL", working);
    }
  }

  #recover(expired: readonly ByteString[]): boolean {
    for (const id of [...expired].reverse()) {
      if (this.#recovered >= this.#recoverMax) return false;
      const batch = this.#call("LRANGE", this.#prefix + id, 0, -1) as ByteString[];
      if (batch.length > 0) {
        this.#variadic("RPUSH", this.#keys.list, batch);
        this.#countAttempt(batch);
        this.#call("DEL", this.#prefix + id);
      }
      this.#call("ZREM", this.#keys.leases, id);
      this.#recovered += batch.length;
    }
    return true;
  }

  #promote(): void {
    const { list, delayed } = this.#keys;
    const due = this.#call(
      "ZRANGEBYSCORE",
      delayed,
      "-inf",
      this.#now,
      "LIMIT",
      0,
      this.#promoteMax,
    ) as ByteString[];
    if (due.length > 0) {
      this.#variadic(
        "LPUSH",
        list,
        due.map((member) => member.slice(member.indexOf(":") + 1)),
      );
      this.#variadic("ZREM", delayed, due);
    }
    const [, score] = this.#call("ZRANGE", delayed, 0, 0, "WITHSCORES") as ByteString[];
    if (score !== undefined) this.#nextDueAt = Number(score);
  }

  #claim(hasState: boolean): void {
    const count = this.#horizon >= 0 ? Math.min(this.#horizon, this.#countMax) : this.#countMax;
    this.#claimed = 1;
    if (count <= 0) {
      this.#remaining = this.#listLength;
      return;
    }
    const { list, leases } = this.#keys;
    this.#expiresAt = this.#now + this.#leaseMs;
    this.#call("ZADD", leases, this.#expiresAt, this.#claimId);
    let popped: ByteString[] | null;
    try {
      popped = this.#call("RPOP", list, count) as ByteString[] | null;
    } catch (error) {
      this.#call("ZREM", leases, this.#claimId);
      throw error;
    }
    if (popped === null) {
      this.#call("ZREM", leases, this.#claimId);
      this.#remaining = 0;
      return;
    }
    if (popped.length < count) this.#remaining = 0;
    let bytes = 0;
    let fitting = 0;
    for (const [at, message] of popped.entries()) {
      bytes += message.length;
      if (at > 0 && bytes > this.#bytesMax) break;
      fitting = at + 1;
    }
    const surplus = popped.slice(fitting);
    this.#messages = popped.slice(0, fitting);
    if (surplus.length > 0) this.#remaining = this.#variadic("RPUSH", list, surplus.reverse());
    this.#variadic("LPUSH", this.#prefix + this.#claimId, this.#messages);
    if (hasState) this.#earlier = this.#readAttempts(this.#messages).counts;
  }

  #lookAroundAndClaim(): void {
    const { list: _list, leases, attempts, delayed } = this.#keys;
    let isHolding = this.#settled === 1;
    const others = new Set<string>();
    const expired: ByteString[] = [];
    let hasState = false;
    if (this.#settled !== 2 && this.#again === null && this.#inspect) {
      const entries = this.#call("ZRANGE", leases, 0, -1, "WITHSCORES") as ByteString[];
      for (let at = 0; at < entries.length; at += 2) {
        const [id, score] = [entries[at] as string, entries[at + 1] as string];
        const dot = id.lastIndexOf(".");
        const owner = dot >= 0 ? id.slice(0, dot) : id;
        if (id === this.#claimId) this.#again = score;
        else if (Number(score) <= this.#now) expired.push(id);
        else if (owner === this.#holder) isHolding ||= this.#holdsId === "" || id === this.#holdsId;
        else others.add(owner);
      }
    }
    if (this.#again !== null) {
      this.#claimed = 1;
      this.#expiresAt = Number(this.#again);
      this.#messages = (this.#call("LRANGE", this.#prefix + this.#claimId, 0, -1) as ByteString[]).reverse();
      this.#earlier = this.#readAttempts(this.#messages).counts;
      return;
    }
    if (this.#isRepeat && this.#claimId !== "") this.#claimed = 1;
    if (this.#isRepeat || this.#settled === 2) return;
    if (this.#inspect) {
      if (expired.length > 0 && !this.#recover(expired)) return;
      hasState = (this.#call("EXISTS", attempts, delayed) as number) > 0;
      if (hasState) this.#promote();
      if (others.size === 0 && expired.length === 0 && !hasState) this.#isQuiet = 1;
    }
    if (this.#claimId === "" || (this.#holdsId !== "" && !isHolding)) return;
    if (!isHolding && others.size >= this.#maxConcurrency) {
      this.#claimed = 2;
      return;
    }
    this.#claim(hasState);
    const isAllGone = hasState && this.#messages.length === 0 && this.#remaining === 0 && this.#nextDueAt < 0;
    if (isAllGone && this.#call("EXISTS", leases) === 0) this.#call("DEL", attempts);
  }
}

/** As many arguments as Lua's stack takes in one call. */
const chunkSize = 4_000;

function* chunked<Value>(values: readonly Value[]): Generator<Value[]> {
  for (let at = 0; at < values.length; at += chunkSize) yield values.slice(at, at + chunkSize);
}
