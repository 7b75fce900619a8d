import { toBytes, toText } from "../bytes.ts";
import { sha1Hex } from "../digest.ts";
import { SpillwayError } from "../errors.ts";
import type { ByteString } from "../redis/redis-client.ts";
import type { CallTime } from "./call-time.ts";
import type { Codec, Encoded } from "./codec.ts";
import { isA, isThenable, whenSettled } from "./guest.ts";

/** One element of the list, as a handler gets it. */
export interface Message<Value = unknown> {
  /** The payload as text; bytes that are not UTF-8 read as U+FFFD here, and are exact in `bytes`. */
  readonly payload: string;
  /** The exact payload. */
  readonly bytes: Uint8Array;
  /** The payload decoded by the codec, when first read. Throws what the codec throws. */
  readonly value: Value;
  /** Which attempt this is: 1 for the first. */
  readonly attempt: number;
  /** SHA-1 of the payload in hexadecimal: the same at every attempt, and the same for equal payloads. */
  readonly id: string;
  /** The list it came from. */
  readonly list: string;
  /** Aborted when the time for this message ends or the drain is aborted. Work that goes on after it may run a second time elsewhere. */
  readonly signal: AbortSignal;
  /** How long until `signal` aborts, ms, never below 0. */
  remainingMs(): number;
}

/** A message as a broker claims it. */
export interface ClaimedMessage {
  readonly raw: ByteString;
  /** Attempts that ended without an ack before this one. */
  readonly earlierAttempts: number;
  /** How many of those ended because the process died or ran past its lease. */
  readonly crashes: number;
  /** When the first of them ended, ms on Redis' own clock; null where there was none. */
  readonly firstFailedAt: number | null;
}

/** What a message needs of the drain that claimed it. */
export interface MessageContext {
  readonly list: string;
  readonly codec: Codec<unknown>;
  /** The time of the whole batch, for a message without a time of its own. */
  readonly time: CallTime;
  /** Notes in Redis, for `ttlMs`, that the message at this place of its batch is done. The plain engine cannot. */
  readonly markDone: ((at: number, ttlMs: number) => Promise<void>) | undefined;
}

/** The key under which `idempotent`, of any copy of this package, asks for a message to be noted as done. */
export const markDone: unique symbol = Symbol.for("spillway.markDone");

/** A message as a handler sees it. Everything that costs is made when first read: most handlers read one or two of these. */
export class MessageView<Value = unknown> implements Message<Value> {
  readonly #claimed: ClaimedMessage;
  readonly #context: MessageContext;
  readonly #at: number;
  #bytes: Uint8Array | undefined;
  #decoded: { value: Value } | undefined;
  #id: string | undefined;
  #time: CallTime | undefined;
  #markTtlMs: number | undefined;
  /** Whether a done-marker of it may be in Redis. */
  isMarked = false;

  constructor(claimed: ClaimedMessage, at: number, context: MessageContext) {
    this.#claimed = claimed;
    this.#at = at;
    this.#context = context;
  }

  get payload(): string {
    return toText(this.#claimed.raw);
  }

  get bytes(): Uint8Array {
    this.#bytes ??= toBytes(this.#claimed.raw);
    return this.#bytes;
  }

  get value(): Value {
    this.#decoded ??= { value: decodeWith(this.#context.codec, this) as Value };
    return this.#decoded.value;
  }

  /** Replaces the decoded value by the schema's output. */
  accept(value: Value): void {
    this.#decoded = { value };
  }

  get attempt(): number {
    return this.#claimed.earlierAttempts + 1;
  }

  get id(): string {
    this.#id ??= sha1Hex(this.#claimed.raw);
    return this.#id;
  }

  get list(): string {
    return this.#context.list;
  }

  get signal(): AbortSignal {
    return (this.#time ?? this.#context.time).signal;
  }

  remainingMs(): number {
    return (this.#time ?? this.#context.time).remainingMs();
  }

  /** Gives the message a time of its own. */
  limitTo(time: CallTime): void {
    this.#time = time;
  }

  /** Asks for a done-marker, which is made if the handler succeeds. Throws where the engine makes none. */
  [markDone](ttlMs: number): void {
    if (!this.#context.markDone) {
      throw new SpillwayError("invalid-option", "idempotent() needs the scripted engine.");
    }
    this.#markTtlMs = ttlMs;
  }

  get wantsMark(): boolean {
    return this.#markTtlMs !== undefined;
  }

  /**
   * Makes the marker that was asked for. Returns false where it may be missing; that does not fail the message, since its
   * handler has done its work.
   */
  async mark(): Promise<boolean> {
    if (!this.wantsMark) return true;
    this.isMarked = true;
    const made = this.#context.markDone?.(this.#at, this.#markTtlMs as number);
    return (made as Promise<void>).then(
      () => true,
      () => false,
    );
  }
}

/** Whatever a codec throws, the message counts as one that cannot be decoded. */
function decodeWith(codec: Codec<unknown>, encoded: Encoded): unknown {
  try {
    const decoded = codec.decode(encoded);
    if (!isThenable(decoded)) return decoded;
    void whenSettled(decoded);
    throw new SpillwayError(
      "codec",
      "The codec's decode returned a promise. It must return the value itself: decode cannot be async.",
    );
  } catch (error) {
    if (isA(error, SpillwayError) && error.code === "codec") throw error;
    void whenSettled(error);
    throw new SpillwayError("codec", "The codec could not decode the payload.", { cause: error });
  }
}
