import { toBytes, toText } from "./bytes.ts";
import type { Codec, Encoded } from "./codec.ts";
import { sha1Hex } from "./digest.ts";
import { SpillwayError } from "./errors.ts";
import type { ByteString } from "./redis-client.ts";

/** One element of the list, as a handler gets it. */
export interface Message<Value = unknown> {
  /** The payload as text; bytes that are not UTF-8 read as U+FFFD here, and are exact in `bytes`. */
  readonly payload: string;
  /** The exact payload. */
  readonly bytes: Uint8Array;
  /** The payload decoded by the codec, on first use. Throws what the codec throws. */
  readonly value: Value;
  /** Which attempt this is: 1 for the first. */
  readonly attempt: number;
  /** SHA-1 of the payload in hexadecimal: the same at every attempt, and the same for equal payloads. */
  readonly id: string;
  /** The list it came from. */
  readonly list: string;
  /** Aborted when the time for this message ends or the drain is aborted; what goes on then may run a second time elsewhere. */
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
  readonly stopSignal: AbortSignal;
  remainingMs(): number;
  /** Notes in Redis that the message at this place of its batch is done, for so long. */
  markDone(at: number, ttlMs: number): Promise<void>;
}

/** The key under which `idempotent` finds how to note that a message is done. */
export const markDone: unique symbol = Symbol("spillway.markDone");

/** Makes the handler's view. Everything that costs is made on first use: most handlers read one or two of these. */
export class MessageView<Value = unknown> implements Message<Value> {
  readonly #claimed: ClaimedMessage;
  readonly #context: MessageContext;
  readonly #at: number;
  #bytes: Uint8Array | undefined;
  #decoded: { value: Value } | undefined;
  #id: string | undefined;
  #signal: AbortSignal | undefined;
  #limit: { signal: AbortSignal; remainingMs(): number } | undefined;
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

  /** Replaces the decoded value by what a schema made of it. */
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
    const { stopSignal } = this.#context;
    this.#signal ??= AbortSignal.any(this.#limit ? [stopSignal, this.#limit.signal] : [stopSignal]);
    return this.#signal;
  }

  remainingMs(): number {
    const left = this.#context.remainingMs();
    return this.#limit ? Math.min(left, this.#limit.remainingMs()) : left;
  }

  /** Gives the message a time limit of its own. */
  limitTo(limit: { signal: AbortSignal; remainingMs(): number }): void {
    this.#limit = limit;
  }

  async [markDone](ttlMs: number): Promise<void> {
    this.isMarked = true;
    await this.#context.markDone(this.#at, ttlMs);
  }
}

/** What a codec throws is the payload's fault, whatever class of error it is. */
function decodeWith(codec: Codec<unknown>, encoded: Encoded): unknown {
  try {
    return codec.decode(encoded);
  } catch (error) {
    if (error instanceof SpillwayError && error.code === "codec") throw error;
    throw new SpillwayError("codec", "The codec could not decode the payload.", { cause: error });
  }
}
