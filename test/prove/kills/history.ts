import { readDelayed } from "../../../src/broker/history.ts";
import { ClaimWatch } from "./claim-watch.ts";
import { effectKeysOf, effectOf, hasFailures, keyOf, type WorldKind } from "./messages.ts";

/** How long a batch of a dead process stays away: short, so that much is recovered. */
export const leaseMs = 300;

/** One stay of one message in a working list. */
export interface Claim {
  readonly batch: string;
  readonly claimedAt: number;
  readonly claimedEpoch: number;
  end: "open" | "acked" | "returned";
  endedAt: number;
  endedEpoch: number;
  /** Whether its lease had ended then. */
  isLate: boolean;
}

/**
 * What the append-only file says of one list, in order. After each step of Redis every message must be in exactly one
 * place or acknowledged, the messages of a key in one batch, and the effects that have run those of what is acknowledged.
 */
export class History {
  readonly claims = new Map<string, Claim[]>();
  readonly deathsAt = new Map<string, number>();
  readonly problems: string[] = [];
  readonly earlyReturns: string[] = [];
  readonly watch: ClaimWatch;
  readonly #list: string;
  readonly #kind: WorldKind;
  readonly #effectKeys;
  /** The list, its right end first. */
  #waiting: string[] = [];
  /** payload → where it is: once a step has ended, one place, or none where it is acknowledged. */
  readonly #places = new Map<string, string[]>();
  readonly #acked = new Set<string>();
  /** key → payloads in the order pushed, until they are acknowledged. */
  readonly #orders = new Map<string, string[]>();
  readonly #batches = new Map<string, Map<string, Claim>>();
  readonly #leaseEnds = new Map<string, number>();
  #at = 0;
  #epoch = 0;
  #isInGroup = false;
  /** Of the current step: messages it claimed, and all it moved, leases it wrote, batches it removed, and effects it ran. */
  #claimed: string[] = [];
  #moved = new Set<string>();
  #newLeaseEnds: number[] = [];
  #removed: string[] = [];
  readonly #opened = new Set<string>();
  /** Of batches settled in part: who stays, and the claims of those who go. */
  readonly #staying = new Map<string, readonly string[]>();
  #leaving: [payload: string, claim: Claim][] = [];
  #effects: string[] = [];

  constructor(list: string, kind: WorldKind) {
    this.#list = list;
    this.#kind = kind;
    this.#effectKeys = effectKeysOf(list);
    this.watch = new ClaimWatch(kind, this.problems);
  }

  /** Whether a message is in some place in the end. */
  isThere(payload: string): boolean {
    return this.#placesOf(payload).length > 0;
  }

  apply(command: readonly string[]): void {
    this.#at += 1;
    const [name = "", key = "", ...rest] = command;
    if (name === "MULTI" || name === "EXEC") {
      this.endStep();
      this.#isInGroup = name === "MULTI";
      return;
    }
    this.#applyWrite(name.toUpperCase(), key, rest);
    if (!this.#isInGroup) this.endStep();
  }

  /** A script's writes are one transaction: a claim in it tells what time it was for the recovery in it. */
  endStep(): void {
    const [leaseEnd] = this.#newLeaseEnds;
    const acked: string[] = [];
    for (const batch of this.#removed) {
      let isReturned = false;
      const endsAt = this.#leaseEnds.get(batch) ?? 0;
      for (const [payload, claim] of this.#batches.get(batch) ?? []) {
        claim.isLate = leaseEnd !== undefined && leaseEnd - leaseMs >= endsAt;
        if (this.#end(payload, claim) === "acked") acked.push(payload);
        else isReturned = true;
      }
      this.#batches.delete(batch);
      if (isReturned && leaseEnd !== undefined && leaseEnd - leaseMs < endsAt) this.earlyReturns.push(batch);
    }
    for (const [payload, claim] of this.#leaving)
      if (this.#end(payload, claim) === "acked") acked.push(payload);
    this.#leaving = [];
    this.#staying.clear();
    this.#opened.clear();
    this.#checkPlaces(new Set(acked));
    this.#checkOrder(new Set(acked));
    this.#checkEffects(acked);
    if (leaseEnd !== undefined && this.#claimed.length > 0)
      this.watch.noteClaim(leaseEnd - leaseMs, this.#claimed, this.#openLeases());
    this.#claimed = [];
    this.#moved = new Set();
    this.#newLeaseEnds = [];
    this.#removed = [];
    this.#effects = [];
  }

  #end(payload: string, claim: Claim): Claim["end"] {
    claim.end = this.#placesOf(payload).length > 0 ? "returned" : "acked";
    claim.endedAt = this.#at;
    claim.endedEpoch = this.#epoch;
    return claim.end;
  }

  #placesOf(payload: string): string[] {
    const places = this.#places.get(payload) ?? [];
    this.#places.set(payload, places);
    return places;
  }

  #put(payload: string, place: string): void {
    if (this.#acked.has(payload)) this.problems.push(`${payload} is acknowledged, and comes to ${place}.`);
    this.#moved.add(payload);
    this.#placesOf(payload).push(place);
  }

  #take(payload: string, place: string): void {
    this.#moved.add(payload);
    const places = this.#placesOf(payload);
    const at = places.indexOf(place);
    if (at < 0) this.problems.push(`${payload} is taken from ${place}, where it is not.`);
    else places.splice(at, 1);
  }

  #checkPlaces(acked: ReadonlySet<string>): void {
    for (const payload of this.#moved) {
      const places = this.#placesOf(payload);
      if (places.length > 1) this.problems.push(`${payload} is in ${places.join(" and ")}.`);
      if (places.length === 0 && !acked.has(payload)) this.problems.push(`${payload} is nowhere.`);
    }
  }

  /** A key is in one batch; and what is acknowledged of a key is the oldest of it that was not. */
  #checkOrder(acked: ReadonlySet<string>): void {
    for (const payload of acked) this.#acked.add(payload);
    const keys = new Set([...this.#moved].map((payload) => keyOf(this.#kind, payload)));
    for (const key of keys) {
      const order = this.#orders.get(key ?? "");
      if (!order) continue;
      const left = order.filter((payload) => !acked.has(payload));
      const done = order.slice(0, order.length - left.length);
      for (const payload of done)
        if (!acked.has(payload)) this.problems.push(`${payload} was overtaken in ${key}.`);
      this.#orders.set(key as string, left);
      const batches = left
        .map((payload) => this.#placesOf(payload)[0] ?? "")
        .filter((at) => at.includes("."));
      const others = new Set(batches);
      if (others.size > 1) this.problems.push(`${key} is in the batches ${[...others].join(" and ")}.`);
    }
  }

  #openLeases(): Map<string, number> {
    return new Map([...this.#batches.keys()].map((batch) => [batch, this.#leaseEnds.get(batch) ?? 0]));
  }

  #checkEffects(acked: readonly string[]): void {
    const expected = acked.flatMap((payload) => {
      const effect = effectOf(this.#kind, payload);
      return effect === "forward" ? [payload] : effect === "count" ? [""] : [];
    });
    const [ran, due] = [this.#effects, expected].map((effects) => effects.sort().join(" "));
    if (ran !== due) this.problems.push(`Effects ran for "${ran}" where they were due for "${due}".`);
  }

  #applyWrite(name: string, key: string, rest: readonly string[]): void {
    const base = `{${this.#list}}:`;
    if (key === this.#list) this.#writeList(name, rest);
    else if (key.startsWith(`${base}working:`)) {
      const batch = key.slice(`${base}working:`.length);
      if (name === "LPUSH" && this.#batches.has(batch) && !this.#opened.has(batch))
        this.#staying.set(batch, rest);
      else if (name === "LPUSH") this.#claim(batch, rest);
      else if (name === "LTRIM" && this.#staying.has(batch)) this.#removeOthers(batch);
      else if (name === "DEL") this.#remove(batch);
      else this.#noteUnexpected(name, key);
    } else if (key === `${base}leases` && name === "ZADD") {
      this.#leaseEnds.set(rest[1] as string, Number(rest[0]));
      this.#newLeaseEnds.push(Number(rest[0]));
    } else if (key === `${base}control` && name === "DEL") this.watch.end();
    else if (key === `${base}control` && rest[0] === "paused") this.watch.isPaused = name === "HSET";
    else if (key === `${base}rates` && name === "HSET") this.watch.noteRates(rest);
    else if (key === `${base}delayed`) this.#writeSorted(name, "delayed", rest);
    else if (key === `${base}parked`) this.#writeSorted(name, "parked", rest);
    else if (key === `${base}dead` || key === `${base}brake`) {
      if (name !== "DEL") this.#noteUnexpected(name, key);
    } else if (key === this.#effectKeys.counter) this.#effects.push("");
    else if (key === this.#effectKeys.onward) this.#effects.push(...rest);
    else if (key === `epoch:${this.#list}`) this.#epoch = Number(rest[0]);
    else if (key === notesKey(this.#list)) {
      for (const [word, id] of rest.map((line) => line.split(" "))) {
        if (word === "death") this.deathsAt.set(id as string, this.#at);
      }
    }
  }

  #noteUnexpected(name: string, key: string): void {
    this.problems.push(`An unexpected write: ${name} ${key}.`);
  }

  #writeList(name: string, rest: readonly string[]): void {
    if (name === "RPOP") {
      for (const payload of this.#waiting.splice(0, Number(rest[0] ?? 1))) this.#take(payload, "list");
      return;
    }
    if (name !== "LPUSH" && name !== "RPUSH") {
      this.#noteUnexpected(name, this.#list);
      return;
    }
    for (const payload of rest) {
      if (!this.#places.has(payload)) this.#queue(payload);
      this.#put(payload, "list");
    }
    if (name === "LPUSH") this.#waiting.push(...rest);
    else this.#waiting.unshift(...[...rest].reverse());
  }

  #queue(payload: string): void {
    const key = keyOf(this.#kind, payload);
    if (key !== undefined) this.#orders.set(key, [...(this.#orders.get(key) ?? []), payload]);
  }

  /** Messages in the delayed set or in the lines of their keys. */
  #writeSorted(name: string, place: "delayed" | "parked", rest: readonly string[]): void {
    const payloadOf = (member: string): string =>
      place === "delayed" ? readDelayed(member).payload : member.slice(member.lastIndexOf(":") + 1);
    if (!hasFailures(this.#kind)) this.#noteUnexpected(name, place);
    if (name === "ZADD")
      for (let at = 1; at < rest.length; at += 2) this.#put(payloadOf(rest[at] as string), place);
    else if (name === "ZREM") for (const member of rest) this.#take(payloadOf(member), place);
    else this.#noteUnexpected(name, place);
  }

  #claim(batch: string, payloads: readonly string[]): void {
    const claims = this.#batches.get(batch) ?? new Map<string, Claim>();
    this.#batches.set(batch, claims);
    this.#opened.add(batch);
    this.#claimed.push(...payloads);
    for (const payload of payloads) {
      const claim: Claim = {
        batch,
        claimedAt: this.#at,
        claimedEpoch: this.#epoch,
        end: "open",
        endedAt: 0,
        endedEpoch: 0,
        isLate: false,
      };
      this.#put(payload, batch);
      claims.set(payload, claim);
      const all = this.claims.get(payload);
      if (all) all.push(claim);
      else this.claims.set(payload, [claim]);
    }
  }

  /** A settle keeps messages whose handlers still run: it pushes them anew, and trims the working list to them. */
  #removeOthers(batch: string): void {
    const claims = this.#batches.get(batch) ?? new Map<string, Claim>();
    const staying = new Set(this.#staying.get(batch));
    for (const [payload, claim] of [...claims]) {
      if (staying.has(payload)) continue;
      this.#take(payload, batch);
      claims.delete(payload);
      this.#leaving.push([payload, claim]);
    }
  }

  #remove(batch: string): void {
    for (const payload of this.#batches.get(batch)?.keys() ?? []) this.#take(payload, batch);
    this.#removed.push(batch);
  }
}

/** Where the processes of a list note what they do. */
export function notesKey(list: string): string {
  return `notes:${list}`;
}
