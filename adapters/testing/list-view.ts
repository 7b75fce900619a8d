import { type ByteString, type DeadLetter, fromBytes, fromText, type RedisReply } from "../../src/index.ts";
import { type ListKeys, listKeys, readDeadLetter, readDelayed } from "../../src/internals.ts";
import type { Store } from "../local/store/store.ts";

/** Where a copy of a message is. */
export type Place =
  | { readonly became: "waiting" | "working" | "parked" }
  | { readonly became: "delayed"; readonly dueAt: number }
  | { readonly became: "dead"; readonly letter: DeadLetter };

export interface PlainPlace {
  /** The shared working list. Default: the engine's own. */
  readonly workingList: string | undefined;
  readonly visibilityTimeoutMs: number;
}

/** Reads a list's keys in Redis directly, so that no test checks the drain by the drain itself. */
export class ListView {
  readonly #store: Store;
  readonly #keys: ListKeys;
  readonly #plain: PlainPlace;

  constructor(store: Store, list: string, plain: PlainPlace) {
    this.#store = store;
    this.#keys = listKeys(list);
    this.#plain = plain;
  }

  get name(): string {
    return this.#keys.name;
  }

  /** Where each copy of each message is, by its payload. */
  places(): Map<ByteString, Place[]> {
    const found = new Map<ByteString, Place[]>();
    const add = (payload: ByteString, place: Place): void => {
      const copies = found.get(payload);
      if (copies) copies.push(place);
      else found.set(payload, [place]);
    };
    const { list, dead, delayed, parked } = this.#keys;
    for (const payload of this.#read("LRANGE", list, 0, -1)) add(payload, { became: "waiting" });
    for (const key of this.#workingLists())
      for (const payload of this.#read("LRANGE", key, 0, -1)) add(payload, { became: "working" });
    for (const [member, dueAt] of this.#scored(delayed))
      add(readDelayed(member).payload, { became: "delayed", dueAt });
    for (const member of this.#read("ZRANGE", parked, 0, -1)) {
      const payload = /^[^:]*:[^:]*:[^:]*:(.*)$/s.exec(member)?.[1] ?? member;
      add(payload, { became: "parked" });
    }
    for (const entry of this.#read("LRANGE", dead, 0, -1)) {
      const letter = readDeadLetter(entry, this.name);
      add(fromBytes(letter.bytes), { became: "dead", letter });
    }
    return found;
  }

  /** Whether nothing is left to drain. Dead letters do not count. */
  isEmpty(): boolean {
    const { list, delayed, parked } = this.#keys;
    const working = this.#workingLists().map((key) => this.#count("LLEN", key));
    const others = [this.#count("LLEN", list), this.#count("ZCARD", delayed), this.#count("ZCARD", parked)];
    return [...working, ...others].every((count) => count === 0);
  }

  /**
   * When the next thing happens that a drain waits for, epoch ms: a delayed message is due, a lease ends, a brake or a limit ends.
   * Null where it waits for nothing.
   */
  nextMoment(now: number): number | null {
    const { leases, delayed, due, brake, control, busy, held, rates, seen } = this.#keys;
    const moments = [
      ...[...this.#scored(leases)].map(([, at]) => at + 1),
      ...[delayed, due].flatMap((key) => [...this.#scored(key)].map(([, at]) => at)),
      ...[
        [brake, "until"],
        [control, "endsAt"],
        [rates, "endsAt"],
      ].flatMap(([key, field]) => Number(this.#ask("HGET", key as ByteString, field as string) ?? 0)),
      ...[busy, held].map((key) => now + Number(this.#ask("PTTL", key))),
      ...this.#read("HVALS", seen).map((since) => Number(since) + this.#plain.visibilityTimeoutMs),
    ];
    // Redis' clock has whole milliseconds, and some of these times end with half a millisecond.
    const coming = moments.map(Math.ceil).filter((at) => at > now);
    return coming.length === 0 ? null : Math.min(...coming);
  }

  #workingLists(): ByteString[] {
    const { workingList } = this.#plain;
    const shared = workingList === undefined ? this.#keys.sharedWorking : fromText(workingList);
    const leased = this.#read("ZRANGE", this.#keys.leases, 0, -1);
    return [shared, ...leased.map((id) => `${this.#keys.base}working:${id}`)];
  }

  *#scored(key: ByteString): Generator<[member: ByteString, score: number]> {
    const reply = this.#read("ZRANGE", key, 0, -1, "WITHSCORES");
    for (let at = 0; at < reply.length; at += 2) yield [reply[at] as ByteString, Number(reply[at + 1])];
  }

  #read(name: string, ...args: (ByteString | number)[]): ByteString[] {
    return this.#ask(name, ...args) as ByteString[];
  }

  #count(name: string, key: ByteString): number {
    return this.#ask(name, key) as number;
  }

  #ask(name: string, ...args: (ByteString | number)[]): RedisReply {
    return this.#store.call([name, ...args]);
  }
}
