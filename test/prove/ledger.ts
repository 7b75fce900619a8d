import { Store } from "../../adapters/local/store/store.ts";
import { ListFromLeft } from "../../src/broker/from-left.ts";
import { readDelayed, readHistory } from "../../src/broker/history.ts";
import { outcomeCodes } from "../../src/broker/outcome-codes.ts";
import { adoptScript } from "../../src/broker/scripts/adopt.ts";
import { takeDeadScript } from "../../src/broker/scripts/take-dead.ts";
import { sha1Hex } from "../../src/digest.ts";
import type { RedisCommand, RedisReply } from "../../src/index.ts";
import { readDeadLetter } from "../../src/operations/dead-letter.ts";
import { listKeys } from "../../src/redis/keys.ts";
import { KeyWatch } from "./key-watch.ts";
import { WaveWatch } from "./wave-watch.ts";

/** Where every message is: payloads by place, and the leases. */
interface Snapshot {
  readonly places: ReadonlyMap<string, readonly string[]>;
  readonly leases: ReadonlyMap<string, number>;
  readonly counts: ReadonlyMap<string, number>;
}

/** The keys of the simulation's effects: the number of the messages `e`, the messages `g`, and one that takes no number. */
export const effectKeys = { counter: "{q}:sent", onward: "{q}:next", wrong: "{q}:wrong" } as const;

const adoptSha = sha1Hex(adoptScript);
const takeDeadSha = sha1Hex(takeDeadScript);
/** By its digest and its source, and as it is of a list that is consumed from its left. */
const takeDeadScripts = ((): ReadonlySet<unknown> => {
  const script = { source: takeDeadScript, sha: takeDeadSha };
  const fromLeft = new ListFromLeft("q").script(script, ["q"]);
  return new Set([script, fromLeft].flatMap(({ source, sha }) => [source, sha]));
})();

/**
 * The Redis of a simulated world, watched: after each command that may move messages it holds what was against what is,
 * and what no promise allows is a violation.
 */
export class Ledger {
  readonly #store: Store;
  readonly #keys;
  readonly #maxAttempts: number;
  readonly #maxConcurrency: number;
  readonly #redisNow: () => number;
  /** The key of a payload; undefined where nothing is promised of its order. */
  readonly #keyOf: (payload: string) => string | undefined;
  readonly #keepsOrder: boolean;
  /** key → payloads in the order pushed, until they are acknowledged or dead. */
  readonly #orders = new Map<string, string[]>();
  #last: Snapshot;
  readonly #isFromLeft: boolean;
  readonly violations: string[] = [];
  readonly waves: WaveWatch;
  readonly #keyWatch: KeyWatch;
  /** Claims of the last window, where there is a limit. */
  #claims: { readonly at: number; readonly count: number }[] = [];
  pushedCount = 0;
  ackedCount = 0;
  /** Messages taken from expired leases. */
  recoveredCount = 0;
  /** process → payload → times its handler finished it with success, less times that was acknowledged. */
  readonly #finished = new Map<string, Map<string, number>>();
  /** payload → times something gave a reason to run it again. */
  readonly excuses = new Map<string, number>();
  readonly runs = new Map<string, number>();
  /** first letter of a payload → how many such were acknowledged. */
  readonly #ackedOf = new Map<string, number>();

  constructor(options: {
    list: string;
    redisNow: () => number;
    maxAttempts: number;
    maxConcurrency: number;
    /** Default: none has a key. */
    keyOf?: (payload: string) => string | undefined;
    /** Whether messages of a key end in their order. Default: true. */
    keepsOrder?: boolean;
    /** Default: from its right end. */
    isFromLeft?: boolean;
  }) {
    this.#isFromLeft = options.isFromLeft ?? false;
    this.#keepsOrder = options.keepsOrder ?? true;
    this.#keyOf = options.keyOf ?? (() => undefined);
    this.#redisNow = options.redisNow;
    this.#keys = listKeys(options.list);
    this.#maxAttempts = options.maxAttempts;
    this.#maxConcurrency = options.maxConcurrency;
    this.waves = new WaveWatch(options.maxConcurrency, this.violations);
    this.#store = new Store({ now: options.redisNow });
    this.#keyWatch = new KeyWatch(this.#store, this.#keys, this.violations);
    this.#last = this.#look();
  }

  /** Runs a command as Redis would. Throws `RedisReplyError`. */
  execute(command: RedisCommand): RedisReply {
    const name = command[0];
    const isPush = name === (this.#isFromLeft ? "RPUSH" : "LPUSH") && command[1] === this.#keys.list;
    if (name !== "EVALSHA" && name !== "EVAL" && !isPush) return this.#store.call(command);
    const before = this.#last;
    try {
      return this.#store.call(command);
    } finally {
      this.#last = this.#look();
      if (isPush) this.#checkPush(command, before, this.#last);
      else this.#checkScript(command, before, this.#last);
    }
  }

  read(command: RedisCommand): RedisReply {
    return this.#store.call(command);
  }

  noteRun(payload: string, attempt: number): void {
    this.runs.set(payload, (this.runs.get(payload) ?? 0) + 1);
    if (attempt > this.#maxAttempts) this.#violate(`${payload} was delivered as attempt ${attempt}`);
  }

  noteFinished(process: string, payload: string): void {
    const of = this.#finished.get(process) ?? new Map<string, number>();
    this.#finished.set(process, of);
    of.set(payload, (of.get(payload) ?? 0) + 1);
  }

  noteExcuse(payload: string): void {
    this.excuses.set(payload, (this.excuses.get(payload) ?? 0) + 1);
  }

  /** A message runs again only for a reason: it failed, or its drain died or outlived its lease. */
  checkRuns(): void {
    for (const [payload, runs] of this.runs) {
      if (!/\d$/.test(payload)) continue;
      const allowed = 1 + (this.excuses.get(payload) ?? 0);
      if (runs > allowed) this.#violate(`${payload} ran ${runs} times, and ${allowed} are explained`);
    }
  }

  /** Messages in the list, in working lists and in the delayed set. */
  get pendingCount(): number {
    let count = 0;
    for (const [place, payloads] of this.#last.places) if (place !== "dead") count += payloads.length;
    return count;
  }

  get deadCount(): number {
    return this.#last.places.get("dead")?.length ?? 0;
  }

  keysLeft(): string[] {
    return this.#store.call(["KEYS", "*"]) as string[];
  }

  #violate(what: string): void {
    this.violations.push(what);
  }

  #look(): Snapshot {
    const { list, delayed, dead, leases, parked, base } = this.#keys;
    const places = new Map<string, readonly string[]>();
    const counts = new Map<string, number>();
    const add = (place: string, payloads: string[]): void => {
      if (payloads.length === 0) return;
      places.set(place, payloads);
      for (const payload of payloads) counts.set(payload, (counts.get(payload) ?? 0) + 1);
    };
    const range = (key: string): string[] => this.#store.call(["LRANGE", key, 0, -1]) as string[];
    const entries = this.#store.call(["ZRANGE", leases, 0, -1, "WITHSCORES"]) as string[];
    const found = new Map<string, number>();
    for (let at = 0; at < entries.length; at += 2) found.set(entries[at] as string, Number(entries[at + 1]));
    // As it looks to who consumes it from its right.
    add("list", this.#isFromLeft ? range(list).reverse() : range(list));
    add(
      "delayed",
      (this.#store.call(["ZRANGE", delayed, 0, -1]) as string[]).map((member) => readDelayed(member).payload),
    );
    add(
      "parked",
      (this.#store.call(["ZRANGE", parked, 0, -1]) as string[]).map((member) => readParked(member).payload),
    );
    add(
      "dead",
      range(dead).map((entry) => entry.slice(entry.indexOf("\n") + 1)),
    );
    for (const key of this.#store.call(["KEYS", `${base}working:*`]) as string[]) {
      add(key.slice(`${base}working:`.length), range(key));
    }
    return { places, leases: found, counts };
  }

  #checkPush(command: RedisCommand, before: Snapshot, after: Snapshot): void {
    const pushed = command.slice(2) as string[];
    this.pushedCount += pushed.length;
    this.#queue(pushed);
    const expected = new Map(before.counts);
    for (const payload of pushed) expected.set(payload, (expected.get(payload) ?? 0) + 1);
    if (!isSameCounts(expected, after.counts)) this.#violate("a push changed more than the list");
  }

  #checkScript(command: RedisCommand, before: Snapshot, after: Snapshot): void {
    const [, script, keyCount, ...rest] = command;
    const isTakeDead = takeDeadScripts.has(script);
    const args = rest.slice(Number(keyCount)).map(String);
    if (script === adoptSha || script === adoptScript) {
      if (!isSameCounts(before.counts, after.counts)) this.#violate("an adoption moved a message");
    } else if (isTakeDead) this.#checkTakeDead(args[0] as string, before, after);
    else this.#checkTurn(args, before, after);
    this.#checkPairs(after);
    this.#checkBusy(after, this.#redisNow());
    this.#checkLines(after);
  }

  #checkTakeDead(mode: string, before: Snapshot, after: Snapshot): void {
    if (mode !== "purge" && !isSameCounts(before.counts, after.counts)) {
      this.#violate("a redrive lost or doubled a message");
    }
    // A redriven message starts anew, before what waits and behind what runs. Of those redriven together, the oldest first.
    const redriven = [...(before.places.get("dead") ?? [])].filter(
      (payload) => countOf(after.places.get("dead"), payload) === 0,
    );
    const running = [...before.places].flatMap(([place, payloads]) => (isShared(place) ? [] : payloads));
    for (const payload of redriven) {
      const key = this.#keyOf(payload);
      if (key === undefined) continue;
      const order = this.#orders.get(key) ?? [];
      this.#orders.set(key, order);
      order.splice(order.filter((one) => running.includes(one)).length, 0, payload);
    }
    for (const payload of before.places.get("dead") ?? []) this.noteExcuse(payload);
  }

  #checkTurn(args: readonly string[], before: Snapshot, after: Snapshot): void {
    const [, settleId = "", , outcomes = "", claimId = ""] = args;
    const now = this.#redisNow();
    const holder = args[5] as string;
    this.waves.noteLive(withoutNumber(holder), 1 + othersOf(holder, before, now).size);
    const isHeld = before.leases.has(settleId);
    const settledBatch = [...(before.places.get(settleId) ?? [])].reverse();
    /** Who may have acknowledged a payload: the holder of its lease, or the one that left its done-marker. */
    const mayVanish = new Map<string, string[]>();
    const allow = (payload: string, id: string): void =>
      void mayVanish.set(payload, [...(mayVanish.get(payload) ?? []), processOf(id)]);

    const isAcked = outcomes === outcomeCodes.ackAll;
    if (isHeld && (isAcked || outcomes.length === settledBatch.length)) {
      for (const [at, payload] of settledBatch.entries()) {
        const letter = isAcked ? outcomeCodes.ack : (outcomes[at] as string);
        if (letter === "a" || letter === "c") allow(payload, settleId);
        // Its effects are refused.
        if (payload.startsWith("b")) this.noteExcuse(payload);
        // It failed, or asked to wait.
        if ("fwxd".includes(letter)) this.noteExcuse(payload);
        // Still running, and its lease had ended: recovered by the very turn that kept it.
        if (letter === "k" && (before.leases.get(settleId) ?? 0) <= now) this.noteExcuse(payload);
      }
    }
    for (const [id, payloads] of before.places) {
      if (isShared(id)) continue;
      const isGone = !isSameList(payloads, after.places.get(id) ?? []);
      if (!isGone || id === settleId) {
        if (isGone && !isHeld) this.#violate(`batch ${id} was settled without its lease`);
        continue;
      }
      const endsAt = before.leases.get(id);
      if (endsAt === undefined || endsAt > now) this.#violate(`batch ${id} was taken from a living lease`);
      this.recoveredCount += payloads.length;
      for (const payload of payloads) {
        this.noteExcuse(payload);
        if (this.#wasFinished(processOf(id), payload)) allow(payload, id);
      }
    }
    const ended = new Set<string>();
    for (const payload of new Set([...before.counts.keys(), ...after.counts.keys()])) {
      const gone = (before.counts.get(payload) ?? 0) - (after.counts.get(payload) ?? 0);
      if (gone < 0) this.#violate(`${payload} is in ${-gone} more place(s) than before`);
      const by = mayVanish.get(payload) ?? [];
      if (gone > by.length) this.#violate(`${payload} is lost`);
      for (const process of by.slice(0, gone)) this.#acknowledge(process, payload);
      const died = countOf(after.places.get("dead"), payload) - countOf(before.places.get("dead"), payload);
      if (gone > 0 || died > 0) ended.add(payload);
    }
    this.#checkOrder(ended);
    this.#checkClaim(claimId, args, before, after, now);
    this.#checkAttempts();
    this.#checkEffects();
  }

  /** At any moment the effects that have run are those of the messages that are acknowledged. */
  #checkEffects(): void {
    const counted = Number(this.#store.call(["GET", effectKeys.counter]) ?? 0);
    const onward = Number(this.#store.call(["LLEN", effectKeys.onward]));
    const { e = 0, g = 0 } = Object.fromEntries(this.#ackedOf);
    if (counted !== e)
      this.#violate(`${e} messages with a counter are acknowledged, and it counts ${counted}`);
    if (onward !== g) this.#violate(`${g} messages to pass on are acknowledged, and ${onward} were`);
  }

  #wasFinished(process: string, payload: string): boolean {
    return (this.#finished.get(process)?.get(payload) ?? 0) > 0;
  }

  #acknowledge(process: string, payload: string): void {
    this.ackedCount += 1;
    const letter = payload.slice(0, 1);
    this.#ackedOf.set(letter, (this.#ackedOf.get(letter) ?? 0) + 1);
    if (!this.#wasFinished(process, payload)) {
      this.#violate(`${payload} was acknowledged by ${process}, whose handler had not finished it`);
      return;
    }
    const of = this.#finished.get(process) as Map<string, number>;
    of.set(payload, (of.get(payload) as number) - 1);
  }

  #checkClaim(
    claimId: string,
    args: readonly string[],
    before: Snapshot,
    after: Snapshot,
    now: number,
  ): void {
    for (const id of after.places.keys()) {
      if (before.places.has(id) || isShared(id)) continue;
      if (id !== claimId) this.#violate(`batch ${id} appeared, and no one asked for it`);
      this.#checkControl(id, args, after.places.get(id)?.length ?? 0, now);
      this.#keyWatch.noteClaim(id, (after.places.get(id) ?? []).map(this.#keyOf), now);
      const holder = args[5] as string;
      const others = othersOf(holder, before, now);
      if (
        others.size >= this.#maxConcurrency &&
        ![...before.leases.keys()].some((one) => one.startsWith(`${holder}.`))
      ) {
        this.#violate(`${holder} drains beside ${others.size} others`);
      }
      if ((after.places.get(id) ?? []).length > Number(args[8])) this.#violate(`batch ${id} is too large`);
    }
  }

  /** Nothing is claimed by a drain that looks at a paused list, and in any window no more than two windows' worth. */
  #checkControl(id: string, args: readonly string[], count: number, now: number): void {
    const told = this.#store.call(["HMGET", this.#keys.control, "paused", "limit", "windowMs"]);
    const [paused, limit, windowMs] = told as (string | null)[];
    if (paused && (args[11] === "1" || args[1] === "")) this.#violate(`batch ${id} of a paused list`);
    if (!limit) return;
    this.#claims.push({ at: now, count });
    this.#claims = this.#claims.filter(({ at }) => at > now - Number(windowMs));
    const sum = this.#claims.reduce((total, claim) => total + claim.count, 0);
    if (sum > 2 * Number(limit))
      this.#violate(`${sum} messages claimed in ${windowMs} ms, and ${limit} may be`);
  }

  /** A mark that no more drains may come is right: it would keep them away until it ends. */
  #checkBusy(after: Snapshot, now: number): void {
    // The script counts whole milliseconds.
    if (Number(this.#store.call(["PTTL", this.#keys.busy])) < 1) return;
    const live = new Set<string>();
    for (const [lease, endsAt] of after.leases) {
      if (endsAt >= now) live.add(lease.slice(0, lease.lastIndexOf(".")));
    }
    if (live.size < this.#maxConcurrency) {
      this.#violate(`marked as busy, and ${live.size} of ${this.#maxConcurrency} drains are live`);
    }
  }

  #queue(payloads: readonly string[]): void {
    for (const payload of payloads) {
      const key = this.#keyOf(payload);
      if (key === undefined) continue;
      const order = this.#orders.get(key) ?? [];
      this.#orders.set(key, order);
      order.push(payload);
    }
  }

  /** What is done or dead of a key is the oldest of it that was not. */
  #checkOrder(ended: ReadonlySet<string>): void {
    if (!this.#keepsOrder) return;
    const counts = new Map<string, number>();
    for (const payload of ended) {
      const key = this.#keyOf(payload);
      if (key !== undefined) counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    for (const [key, count] of counts) {
      const order = this.#orders.get(key) ?? [];
      const first = order.slice(0, count);
      for (const payload of first) {
        if (!ended.has(payload))
          this.#violate(`${payload} was overtaken in ${key} by ${[...ended].join(" ")}`);
      }
      this.#orders.set(
        key,
        order.filter((payload) => !ended.has(payload)),
      );
    }
  }

  /** A key is in one batch at most; and whatever is parked, somebody is to look at it. */
  #checkLines(after: Snapshot): void {
    const holders = new Map<string, string>();
    for (const [id, payloads] of after.places) {
      if (isShared(id)) continue;
      for (const payload of payloads) {
        const key = this.#keyOf(payload);
        if (key === undefined) continue;
        const holder = holders.get(key);
        if (holder !== undefined && holder !== id)
          this.#violate(`${key} is in the batches ${holder} and ${id}`);
        holders.set(key, id);
      }
    }
    const { parked, due } = this.#keys;
    const keys = new Set(
      (this.#store.call(["ZRANGE", parked, 0, -1]) as string[]).map((member) => member.slice(0, 16)),
    );
    for (const key of keys) {
      if (this.#store.call(["ZSCORE", due, key]) === null)
        this.#violate(`nobody is to look at the line ${key}`);
    }
  }

  /** Working lists and leases come and go together. */
  #checkPairs(after: Snapshot): void {
    for (const id of after.leases.keys()) {
      if (!after.places.has(id)) this.#violate(`lease ${id} has no working list`);
    }
    for (const id of after.places.keys()) {
      if (!isShared(id) && !after.leases.has(id)) {
        this.#violate(`batch ${id} has no lease`);
      }
    }
  }

  #checkAttempts(): void {
    const { attempts, delayed, dead, parked } = this.#keys;
    const noted = (this.#store.call(["HVALS", attempts]) as string[]).flatMap((histories) =>
      histories.split(","),
    );
    const waiting = (this.#store.call(["ZRANGE", delayed, 0, -1]) as string[]).map(
      (member) => readDelayed(member).history,
    );
    const inLines = (this.#store.call(["ZRANGE", parked, 0, -1]) as string[]).map(
      (member) => readParked(member).history,
    );
    for (const history of [...noted, ...waiting, ...inLines]) {
      if (readHistory(history).earlierAttempts >= this.#maxAttempts) {
        this.#violate(`a message that has had its ${this.#maxAttempts} attempts lives on (${history})`);
      }
    }
    for (const entry of this.#store.call(["LRANGE", dead, 0, 0]) as string[]) {
      const { attempts: count, reason } = readDeadLetter(entry, this.#keys.list);
      const isSpent = reason === "exhausted" || reason === "crashed";
      if (count > this.#maxAttempts || (isSpent && count !== this.#maxAttempts)) {
        this.#violate(`a dead letter (${reason}) has ${count} attempts`);
      }
    }
  }
}

/** Whether a place is no batch. */
function isShared(place: string): boolean {
  return place === "list" || place === "delayed" || place === "dead" || place === "parked";
}

function countOf(payloads: readonly string[] | undefined, payload: string): number {
  return payloads?.filter((one) => one === payload).length ?? 0;
}

/** A message in a line, as turn-order's header describes it. */
function readParked(member: string): { history: string; payload: string } {
  const colon = member.indexOf(":", 34);
  return { history: member.slice(34, colon), payload: member.slice(colon + 1) };
}

/** The process whose drain claimed a batch: a process makes a drain for each run, and numbers them. */
function processOf(batchId: string): string {
  return withoutNumber(ownerOf(batchId));
}

function ownerOf(batchId: string): string {
  return batchId.slice(0, batchId.lastIndexOf("."));
}

function withoutNumber(holder: string): string {
  return holder.replace(/-\d+$/, "");
}

/** The other drains whose leases have not ended. */
function othersOf(holder: string, { leases }: Snapshot, now: number): Set<string> {
  const live = [...leases].filter(([, endsAt]) => endsAt > now).map(([id]) => ownerOf(id));
  return new Set(live.filter((owner) => owner !== holder));
}

function isSameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((payload, at) => payload === other[at]);
}

function isSameCounts(one: ReadonlyMap<string, number>, other: ReadonlyMap<string, number>): boolean {
  return one.size === other.size && [...one].every(([payload, count]) => other.get(payload) === count);
}
