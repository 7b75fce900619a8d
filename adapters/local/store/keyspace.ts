import { type ByteString, RedisReplyError } from "../../../src/index.ts";
import { Deque } from "./deque.ts";
import { SortedSet } from "./sorted-set.ts";

interface Kinds {
  string: string;
  list: Deque;
  hash: Map<string, string>;
  zset: SortedSet;
}

type Kind = keyof Kinds;
type Entry = { [K in Kind]: { readonly kind: K; value: Kinds[K] } }[Kind];

const make: { [K in Kind]: () => Kinds[K] } = {
  string: () => "",
  list: () => new Deque(),
  hash: () => new Map(),
  zset: () => new SortedSet(),
};

/** Keys, their values and expiries. A key whose value is empty is gone, as in Redis. */
export class Keyspace {
  readonly #entries = new Map<ByteString, Entry>();
  readonly #expiries = new Map<ByteString, number>();
  readonly now: () => number;
  #lastMicros = 0;

  constructor(now: () => number) {
    this.now = now;
  }

  /** The time in µs. Each call within one ms gives a later one, up to 1,000 of them, so that their order shows. */
  micros(): number {
    const micros = Math.floor(this.now() * 1_000);
    const lastOfMs = Math.floor(micros / 1_000) * 1_000 + 999;
    const isSameMs = Math.floor(this.#lastMicros / 1_000) === Math.floor(micros / 1_000);
    this.#lastMicros = isSameMs ? Math.min(lastOfMs, Math.max(micros, this.#lastMicros + 1)) : micros;
    return this.#lastMicros;
  }

  has(key: ByteString): boolean {
    return this.#live(key) !== undefined;
  }

  kind(key: ByteString): Kind | "none" {
    return this.#live(key)?.kind ?? "none";
  }

  keys(): ByteString[] {
    return [...this.#entries.keys()].filter((key) => this.has(key));
  }

  /** The value, or undefined. Throws as Redis does where it is of another kind. */
  get<K extends Kind>(key: ByteString, kind: K): Kinds[K] | undefined {
    const entry = this.#live(key);
    if (entry === undefined) return undefined;
    if (entry.kind !== kind) {
      throw new RedisReplyError("WRONGTYPE Operation against a key holding the wrong kind of value");
    }
    return entry.value as Kinds[K];
  }

  /** The value, made empty where there is none; follow with `tidy`. */
  open<K extends Kind>(key: ByteString, kind: K): Kinds[K] {
    const found = this.get(key, kind);
    if (found !== undefined) return found;
    const value = make[kind]();
    this.#entries.set(key, { kind, value } as Entry);
    return value;
  }

  setText(key: ByteString, value: string): void {
    this.#entries.set(key, { kind: "string", value });
  }

  /** Drops the key if its value is empty. */
  tidy(key: ByteString): void {
    const entry = this.#entries.get(key);
    if (!entry || entry.kind === "string") return;
    const size = entry.kind === "list" ? entry.value.length : entry.value.size;
    if (size === 0) this.remove(key);
  }

  remove(key: ByteString): boolean {
    const had = this.has(key);
    this.#entries.delete(key);
    this.#expiries.delete(key);
    return had;
  }

  clear(): void {
    this.#entries.clear();
    this.#expiries.clear();
  }

  expireAt(key: ByteString, at: number | undefined): void {
    if (at === undefined) this.#expiries.delete(key);
    else this.#expiries.set(key, at);
  }

  expiry(key: ByteString): number | undefined {
    return this.#expiries.get(key);
  }

  #live(key: ByteString): Entry | undefined {
    const at = this.#expiries.get(key);
    if (at !== undefined && at <= this.now()) {
      this.#entries.delete(key);
      this.#expiries.delete(key);
    }
    return this.#entries.get(key);
  }
}
