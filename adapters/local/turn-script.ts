import { type ByteString, type RedisReply, RedisReplyError } from "../../src/index.ts";
import { adoptScript, sha1Hex, takeDeadScript, turnScript, turnScriptWhenFull } from "../../src/internals.ts";
import { adopt } from "./adopt-script.ts";
import type { Call, ScriptTable } from "./store/store.ts";
import { takeDead } from "./take-dead-script.ts";
import {
  addTo,
  type BrakeState,
  deadLetter,
  noBrake,
  readPolicy,
  readRecord,
  type TurnPolicy,
  type TurnRecord,
} from "./turn-records.ts";

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
  [sha1Hex(takeDeadScript), takeDead],
  [sha1Hex(adoptScript), adopt],
]);

class Turn {
  readonly #redisCall: Call;
  readonly #keys: Record<"list" | "leases" | "attempts" | "delayed" | "dead" | "brake" | "busy", ByteString>;
  readonly #base: ByteString;
  readonly #settleId: ByteString;
  readonly #settleExpiresAt: number;
  #outcomes: string;
  readonly #claimId: ByteString;
  readonly #holder: ByteString;
  readonly #holdsId: ByteString;
  readonly #leaseMs: number;
  #countMax: number;
  readonly #bytesMax: number;
  readonly #maxConcurrency: number;
  #inspect: boolean;
  readonly #recoverMax: number;
  readonly #promoteMax: number;
  readonly #countRemaining: boolean;
  readonly #policy: TurnPolicy;
  readonly #details: readonly ByteString[];
  #calls = 0;
  #now = 0;
  #micros = "";
  #settled = 0;
  #claimed = 0;
  #messages: ByteString[] = [];
  #records: ByteString[] = [];
  #expiresAt = 0;
  #recovered = 0;
  #nextDueAt = -1;
  #remaining = -1;
  #settledAs = "";
  #isQuiet = 0;
  #problem = "";
  #buried: ByteString[] = [];
  #isRepeat = false;
  #again: ByteString | null = null;
  #isBrakeSettled = false;
  #hasState = false;
  #othersCount = 0;
  #othersUntil = Number.POSITIVE_INFINITY;
  #busyUntil: number;

  constructor(redisCall: Call, keys: readonly ByteString[], args: readonly ByteString[]) {
    const at = (index: number): ByteString => args[index] as ByteString;
    const [list, leases, attempts, delayed, dead, brake, busy] = keys as [
      string,
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    this.#redisCall = redisCall;
    this.#keys = { list, leases, attempts, delayed, dead, brake, busy };
    this.#base = at(0);
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
    this.#policy = readPolicy(at(15));
    this.#busyUntil = this.#policy.busyUntil;
    this.#details = args.slice(16);
  }

  run(): RedisReply {
    const [seconds, micros] = this.#call("TIME") as [string, string];
    this.#micros = micros;
    this.#now = Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
    if (this.#settleId !== "") this.#settle();
    try {
      this.#lookAroundAndClaim();
      if (this.#countRemaining) this.#remaining = this.#call("LLEN", this.#keys.list) as number;
      this.#forgetRemains();
    } catch (error) {
      if (!(error instanceof RedisReplyError)) throw error;
      this.#claimed = 3;
      this.#messages = [];
      this.#records = [];
      this.#problem = error.message;
    }
    this.#markBusy();
    return [
      this.#settled,
      this.#claimed,
      this.#messages,
      this.#records,
      this.#now,
      this.#expiresAt,
      this.#recovered,
      this.#nextDueAt,
      this.#remaining,
      this.#settledAs,
      this.#isQuiet,
      this.#problem,
      this.#calls,
      this.#buried,
      this.#busyUntil,
    ];
  }

  #call(name: string, ...args: (ByteString | number)[]): RedisReply {
    this.#calls += 1;
    return this.#redisCall([name, ...args]);
  }

  #variadic(command: string, key: ByteString, values: readonly (ByteString | number)[]): number {
    let reply: RedisReply = 0;
    for (const chunk of chunked(values)) reply = this.#call(command, key, ...chunk);
    return reply as number;
  }

  #read(record: ByteString): TurnRecord {
    return readRecord(record, this.#now);
  }

  #readWaiting(digests: readonly string[]): Map<string, string> {
    const waiting = new Map<string, string>();
    for (const chunk of chunked(digests)) {
      const found = this.#call("HMGET", this.#keys.attempts, ...chunk) as (string | null)[];
      for (const [at, value] of found.entries()) {
        if (value !== null) waiting.set(chunk[at] as string, value);
      }
    }
    return waiting;
  }

  #noteWaiting(payloads: readonly ByteString[], given: readonly ByteString[], isNext: boolean): void {
    const noted = payloads
      .map((payload, at) => ({ payload, record: given[at] ?? "" }))
      .filter((one) => one.record);
    if (noted.length === 0) return;
    const digests = noted.map((one) => sha1Hex(one.payload));
    const waiting = this.#readWaiting(digests);
    for (const [at, digest] of digests.entries()) {
      const record = (noted[at] as { record: string }).record;
      const others = waiting.get(digest);
      if (others === undefined) waiting.set(digest, record);
      else waiting.set(digest, isNext ? `${record},${others}` : `${others},${record}`);
    }
    const fields = [...new Set(digests)].flatMap((digest) => [digest, waiting.get(digest) as string]);
    this.#variadic("HSET", this.#keys.attempts, fields);
  }

  #bury(letters: readonly ByteString[]): void {
    const { dead } = this.#keys;
    const { deadCountMax, deadAgeMsMax } = this.#policy;
    this.#variadic("LPUSH", dead, letters);
    if (deadCountMax > 0) this.#call("LTRIM", dead, 0, deadCountMax - 1);
    if (deadAgeMsMax === 0) return;
    for (let popped = 0; popped < this.#promoteMax; popped++) {
      const oldest = this.#call("LINDEX", dead, -1) as ByteString | null;
      const diedAt = oldest === null ? null : /"lastFailedAt":(\d+)/.exec(oldest);
      if (!diedAt || this.#now - Number(diedAt[1]) <= deadAgeMsMax) return;
      this.#call("RPOP", dead);
    }
  }

  #pauseAfter(pauses: number): number {
    const { brakePauseMs, brakePauseMsMax } = this.#policy;
    return Math.min(brakePauseMsMax, brakePauseMs * 2 ** Math.min(pauses, 40));
  }

  #readBrake(): BrakeState {
    const found = this.#call("HMGET", this.#keys.brake, "since", "until", "pauses", "probe");
    const [since, until, pauses, probe] = found as (string | null)[];
    const isKnown = since !== null && since !== undefined;
    const endsAt = Number(until ?? 0);
    const mayHold = this.#now < endsAt || this.#now - Number(since) < this.#policy.brakeMsMax;
    return {
      isOn: isKnown && mayHold,
      isWorn: isKnown && !mayHold,
      endsAt,
      pauses: Number(pauses ?? 0),
      probe: probe ?? null,
    };
  }

  /** As the Lua's: what the failures of a batch mean, decided before anything is written. */
  #considerBrake(
    batch: readonly ByteString[],
    known: readonly ByteString[],
  ): { decided: string; writeBrake: () => void } {
    const outcomes = this.#outcomes;
    const { brakeAfter, heldMax } = this.#policy;
    const lastAck = Math.max(outcomes.lastIndexOf("a"), outcomes.lastIndexOf("c")) + 1;
    const isOverloaded = outcomes.includes("o");
    if (brakeAfter === 0 || !(isOverloaded || /[fx]/.test(outcomes.slice(lastAck)))) {
      return { decided: outcomes.replaceAll("o", "O"), writeBrake: () => undefined };
    }
    this.#isBrakeSettled = true;
    let state = this.#readBrake();
    const { isWorn } = state;
    const isProbe = lastAck === 0 && state.probe === this.#settleId;
    if (lastAck > 0) state = { ...noBrake };

    const failing: string[] = [];
    let untilMs = 0;
    let detail = 0;
    for (const [at, letter] of [...outcomes].entries()) {
      const given = wantsDetail.test(letter) ? (this.#details[detail++] as string) : "";
      if (letter === "o") untilMs = Math.max(untilMs, Number(/^\d+/.exec(given)?.[0]));
      if (at >= lastAck && /[fxo]/.test(letter)) failing.push(sha1Hex(batch[at] as string));
    }
    let fields: (string | number)[] = [];
    let isNew = false;
    if (!state.isOn && !isWorn) {
      const inARow = new Set(lastAck === 0 ? (this.#call("HKEYS", this.#keys.brake) as string[]) : []);
      for (const digest of failing) {
        if (inARow.has(digest) || inARow.size >= brakeAfter) continue;
        inARow.add(digest);
        fields.push(digest, 1);
      }
      if (inARow.size >= brakeAfter || isOverloaded) {
        state.isOn = true;
        isNew = true;
        fields = ["since", this.#now];
      }
    }
    if (state.isOn && (isNew || isProbe)) {
      const endsAt = Math.max(untilMs, this.#now + this.#pauseAfter(state.pauses));
      fields.push("until", endsAt, "pauses", state.pauses + 1);
    }
    const decided = [...outcomes].map((letter, at) => {
      const mayHold = !isWorn && this.#read(known[at] ?? "").held < heldMax;
      if (letter === "o") return mayHold ? "h" : "O";
      const isHeld = /[fx]/.test(letter) && at >= lastAck && state.isOn && !isProbe && mayHold;
      return isHeld ? "h" : letter;
    });
    return {
      decided: decided.join(""),
      writeBrake: () => {
        if (lastAck > 0 || isNew) this.#call("DEL", this.#keys.brake);
        if (fields.length > 0) this.#variadic("HSET", this.#keys.brake, fields);
      },
    };
  }

  #settle(): void {
    const working = `${this.#base}working:${this.#settleId}`;
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
    if (this.#outcomes === "*") this.#outcomes = "r".repeat(batch.length);
    if (batch.length !== this.#outcomes.length) {
      this.#isRepeat = true;
      return;
    }
    const { list, leases, attempts, delayed, dead } = this.#keys;
    const found = this.#call("HGET", attempts, this.#settleId) as ByteString | null;
    const known = (found ?? "").split(",");
    const { decided, writeBrake } = this.#considerBrake(batch, known);
    const retries: (ByteString | number)[] = [];
    const letters: ByteString[] = [];
    const released: ByteString[] = [];
    const releasedRecords: ByteString[] = [];
    const kept: ByteString[] = [];
    const keptRecords: ByteString[] = [];
    let detail = 0;
    for (const [at, message] of batch.entries()) {
      let letter = decided[at] as string;
      let given = wantsDetail.test(this.#outcomes[at] as string) ? (this.#details[detail++] as string) : "";
      const record = known[at] ?? "";
      if (letter === "O")
        [, letter, given] = /^\d+ (\w) ([\s\S]*)$/.exec(given) as unknown as [string, string, string];
      const counted = addTo(record, this.#now, [1, 0, 0]);
      if (letter === "f" || letter === "w") {
        const place = String(at + 1).padStart(5, "0");
        retries.push(
          this.#now + Number(given),
          `${this.#micros.padStart(6, "0")}.${place}.${this.#settleId}!${counted}:${message}`,
        );
      } else if (letter === "x" || letter === "d") {
        letters.push(deadLetter(`${this.#settleId}.${at + 1}`, counted, this.#now, given, message));
      } else if (letter === "r" || letter === "h") {
        released.push(message);
        releasedRecords.push(letter === "h" ? addTo(record, this.#now, [0, 0, 1]) : record);
      } else if (letter === "k") {
        kept.push(message);
        keptRecords.push(record);
      }
    }
    const hasRecord = keptRecords.some((record) => record !== "");
    if (letters.length > 0) this.#call("LLEN", dead);
    if (retries.length > 0) this.#call("ZCARD", delayed);
    if (released.length > 0) this.#variadic("RPUSH", list, [...released].reverse());
    if (retries.length > 0) this.#variadic("ZADD", delayed, retries);
    if (letters.length > 0) this.#bury(letters);
    this.#noteWaiting(released, releasedRecords, true);
    const done = `${this.#base}done:${this.#settleId}`;
    if (kept.length > 0) {
      this.#variadic("RPUSH", working, kept.reverse());
      this.#call("LTRIM", working, batch.length, -1);
      if (hasRecord) this.#call("HSET", attempts, this.#settleId, keptRecords.join(","));
      this.#call("DEL", done);
    } else {
      this.#call("ZREM", leases, this.#settleId);
      this.#call("DEL", working, done);
    }
    if (found !== null && !hasRecord) this.#call("HDEL", attempts, this.#settleId);
    writeBrake();
    this.#settledAs = decided;
  }

  #recover(expired: readonly ByteString[]): boolean {
    const { list, leases, attempts, dead } = this.#keys;
    for (const id of [...expired].reverse()) {
      if (this.#recovered >= this.#recoverMax) return false;
      const working = `${this.#base}working:${id}`;
      const done = `${this.#base}done:${id}`;
      const batch = (this.#call("LRANGE", working, 0, -1) as ByteString[]).reverse();
      if (batch.length > 0) {
        const known = ((this.#call("HGET", attempts, id) as ByteString | null) ?? "").split(",");
        const finished = this.#call("HVALS", done) as string[];
        const back: ByteString[] = [];
        const backRecords: ByteString[] = [];
        const letters: ByteString[] = [];
        for (const [at, message] of batch.entries()) {
          const record = addTo(known[at] ?? "", this.#now, [1, 1, 0]);
          const marker = finished.indexOf(sha1Hex(message));
          if (marker >= 0) finished.splice(marker, 1);
          else if (this.#read(record).count >= this.#policy.maxAttempts) {
            letters.push(deadLetter(`${id}.${at + 1}`, record, this.#now, '"reason":"crashed"}', message));
          } else {
            back.push(message);
            backRecords.push(record);
          }
        }
        if (letters.length > 0) this.#call("LLEN", dead);
        if (back.length > 0) this.#variadic("RPUSH", list, [...back].reverse());
        if (letters.length > 0) this.#bury(letters);
        this.#noteWaiting(back, backRecords, true);
        this.#call("DEL", working, done);
        this.#call("HDEL", attempts, id);
        this.#recovered += back.length;
        this.#buried.push(...letters);
      }
      this.#call("ZREM", leases, id);
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
      const payloads = due.map((member) => member.slice(member.indexOf(":") + 1));
      const given = due.map(
        (member) =>
          /!(\d+\.\d+\.\d+@\d+)$/.exec(member.slice(0, Math.max(0, member.indexOf(":"))))?.[1] ?? "",
      );
      this.#variadic("LPUSH", list, payloads);
      this.#noteWaiting(payloads, given, false);
      this.#variadic("ZREM", delayed, due);
    }
    const [, score] = this.#call("ZRANGE", delayed, 0, 0, "WITHSCORES") as ByteString[];
    if (score !== undefined) this.#nextDueAt = Number(score);
  }

  #companyOf(record: ByteString): number {
    const { count, crashes } = this.#read(record);
    if (crashes === 0) return Number.POSITIVE_INFINITY;
    if (count >= this.#policy.maxAttempts - 1) return 1;
    return Math.max(1, Math.floor(this.#policy.batchSize / 10 ** crashes));
  }

  #fitting(popped: readonly ByteString[], given: readonly ByteString[]): number {
    const normal = Number.POSITIVE_INFINITY;
    let bytes = 0;
    let company = this.#companyOf(given[0] ?? "");
    if (company < normal && this.#holdsId !== "") return 0;
    for (const [at, message] of popped.entries()) {
      bytes += message.length;
      const allowed = this.#companyOf(given[at] ?? "");
      if (at > 0 && (bytes > this.#bytesMax || (allowed === normal) !== (company === normal))) return at;
      company = Math.min(company, allowed);
      if (at + 1 > company) return at;
    }
    return popped.length;
  }

  #takeRecords(popped: readonly ByteString[]): { given: ByteString[]; writeTaken: (count: number) => void } {
    const digests = popped.map(sha1Hex);
    const waiting = this.#readWaiting(digests);
    if (waiting.size === 0) return { given: [], writeTaken: () => undefined };
    const taken = new Map<string, number>();
    const given = digests.map((digest) => {
      const before = taken.get(digest) ?? 0;
      taken.set(digest, before + 1);
      return waiting.get(digest)?.split(",")[before] ?? "";
    });
    const writeTaken = (count: number): void => {
      const used = digests.slice(0, count);
      const fields: ByteString[] = [];
      const gone: ByteString[] = [];
      for (const digest of new Set(used)) {
        const of = waiting.get(digest)?.split(",");
        if (of === undefined) continue;
        const left = of.slice(used.filter((other) => other === digest).length);
        if (left.length > 0) fields.push(digest, left.join(","));
        else gone.push(digest);
      }
      const records = given.slice(0, count);
      if (!records.some((record) => record !== "")) return;
      this.#variadic("HSET", this.#keys.attempts, [...fields, this.#claimId, records.join(",")]);
      this.#variadic("HDEL", this.#keys.attempts, gone);
      this.#records = records;
    };
    return { given, writeTaken };
  }

  #claim(): void {
    this.#claimed = 1;
    const { list, leases } = this.#keys;
    this.#expiresAt = this.#now + this.#leaseMs;
    this.#call("ZADD", leases, this.#expiresAt, this.#claimId);
    let popped: ByteString[] | null;
    try {
      popped = this.#call("RPOP", list, this.#countMax) as ByteString[] | null;
    } catch (error) {
      this.#call("ZREM", leases, this.#claimId);
      throw error;
    }
    if (popped === null) {
      this.#call("ZREM", leases, this.#claimId);
      this.#remaining = 0;
      return;
    }
    if (popped.length < this.#countMax) this.#remaining = 0;
    const taking = this.#hasState ? this.#takeRecords(popped) : null;
    const count = this.#fitting(popped, taking?.given ?? []);
    const surplus = popped.slice(count);
    this.#messages = popped.slice(0, count);
    if (surplus.length > 0) this.#remaining = this.#variadic("RPUSH", list, surplus.reverse());
    if (count === 0) {
      this.#call("ZREM", leases, this.#claimId);
      return;
    }
    this.#variadic("LPUSH", `${this.#base}working:${this.#claimId}`, this.#messages);
    taking?.writeTaken(count);
  }

  #claimAgain(score: ByteString): void {
    this.#claimed = 1;
    this.#expiresAt = Number(score);
    const working = `${this.#base}working:${this.#claimId}`;
    this.#messages = (this.#call("LRANGE", working, 0, -1) as ByteString[]).reverse();
    const known = this.#call("HGET", this.#keys.attempts, this.#claimId) as ByteString | null;
    if (known !== null) this.#records = known.split(",");
  }

  #lookAroundAndClaim(): void {
    const { list, leases, attempts, delayed, brake } = this.#keys;
    let isHolding = this.#settled === 1;
    const others = new Set<string>();
    const expired: ByteString[] = [];
    if (this.#settled !== 2 && this.#again === null && this.#inspect) {
      const entries = this.#call("ZRANGE", leases, 0, -1, "WITHSCORES") as ByteString[];
      for (let at = 0; at < entries.length; at += 2) {
        const [id, score] = [entries[at] as string, entries[at + 1] as string];
        const dot = id.lastIndexOf(".");
        const owner = dot >= 0 ? id.slice(0, dot) : id;
        if (id === this.#claimId) this.#again = score;
        else if (Number(score) <= this.#now) expired.push(id);
        else if (owner === this.#holder) isHolding ||= this.#holdsId === "" || id === this.#holdsId;
        else {
          this.#othersUntil = Math.min(this.#othersUntil, Number(score));
          others.add(owner);
        }
      }
      this.#othersCount = others.size;
    }
    if (this.#again !== null) {
      this.#claimAgain(this.#again);
      return;
    }
    if (this.#isRepeat && this.#claimId !== "") this.#claimed = 1;
    if (this.#isRepeat || this.#settled === 2) return;

    let braked = noBrake;
    if (this.#inspect) {
      if (expired.length > 0 && !this.#recover(expired)) return;
      this.#hasState = (this.#call("EXISTS", attempts, delayed, brake) as number) > 0;
      if (this.#hasState) {
        this.#promote();
        const isLifted = this.#settled === 1 && /[ac]/.test(this.#outcomes) && !this.#isBrakeSettled;
        if (isLifted) this.#call("DEL", brake);
        else if (this.#policy.brakeAfter > 0) braked = this.#readBrake();
      }
      if (others.size === 0 && expired.length === 0 && !this.#hasState) this.#isQuiet = 1;
    }
    if (this.#claimId === "" || (this.#holdsId !== "" && !isHolding)) return;
    if (!isHolding && others.size >= this.#maxConcurrency) {
      this.#claimed = 2;
      return;
    }
    if (braked.isOn && this.#call("EXISTS", list) === 0) {
      this.#claimed = 1;
      this.#remaining = 0;
    } else if (braked.isOn && this.#now < braked.endsAt) {
      this.#claimed = 4;
      this.#nextDueAt = braked.endsAt;
    } else {
      if (braked.isOn) this.#countMax = 1;
      this.#claim();
      if (braked.isOn && this.#messages.length > 0) {
        const endsAt = this.#now + this.#pauseAfter(braked.pauses);
        this.#call("HSET", brake, "probe", this.#claimId, "until", endsAt);
      }
    }
  }

  #markBusy(): void {
    if (this.#policy.marksBusy === 0 || this.#settled === 2) return;
    if (this.#again !== null) {
      this.#busyUntil = this.#expiresAt;
      return;
    }
    if (this.#messages.length > 0 && this.#othersCount + 1 >= this.#maxConcurrency) {
      const untilMs = Math.min(this.#expiresAt, this.#othersUntil);
      if (untilMs >= this.#busyUntil && untilMs < this.#busyUntil + 1_000) return;
      this.#busyUntil = untilMs;
      this.#call("SET", this.#keys.busy, "", "PX", Math.max(1, untilMs - this.#now));
      return;
    }
    // Where several may drain, another has set it, perhaps.
    const maySay = this.#busyUntil > this.#now || (this.#maxConcurrency > 1 && this.#messages.length === 0);
    if (this.#policy.marksBusy === 1 && maySay) {
      this.#busyUntil = 0;
      this.#call("DEL", this.#keys.busy);
    }
  }

  /** With no message anywhere, what is noted can only be remains. */
  #forgetRemains(): void {
    const isAllGone =
      this.#hasState && this.#messages.length === 0 && this.#remaining === 0 && this.#nextDueAt < 0;
    if (!isAllGone || this.#call("EXISTS", this.#keys.leases) !== 0) return;
    this.#call("DEL", this.#keys.attempts, this.#keys.brake);
  }
}

/** Outcomes that a detail goes with. */
const wantsDetail = /[fwxdo]/;

/** As many arguments as Lua's stack takes in one call. */
const chunkSize = 4_000;

function* chunked<Value>(values: readonly Value[]): Generator<Value[]> {
  for (let at = 0; at < values.length; at += chunkSize) yield values.slice(at, at + chunkSize);
}
