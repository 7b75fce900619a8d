import { toBytes, toText } from "./bytes.ts";
import type { Codec } from "./codec.ts";
import { sha1Hex } from "./digest.ts";
import type { ByteString } from "./redis-client.ts";

/** One element of the list, as a handler gets it. */
export interface Message<Value = unknown> {
  /** The payload as text; bytes that are not UTF-8 read as U+FFFD here, and are exact in `bytes`. */
  readonly payload: string;
  /** The exact payload. */
  readonly bytes: Uint8Array;
  /** The payload decoded by the codec, on first use. Throws what the codec throws. */
  readonly value: Value;
  /** Which attempt this is: 1 for the first. Equal payloads of one list share their count. */
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

/**
 * What becomes of a claimed message: `ack` removes it; `retry` returns it to the left end and counts an attempt;
 * `release` returns it to the right end in its old order and counts none; `keep` leaves it leased (still running).
 */
export type Outcome = "ack" | "retry" | "release" | "keep";

/** A message as a broker claims it. */
export interface ClaimedMessage {
  readonly raw: ByteString;
  /** Attempts that ended without an ack before this one. */
  readonly earlierAttempts: number;
}

/** Makes the handler's view. Everything that costs is made on first use: most handlers read one or two of these. */
export function messageView<Value>(
  claimed: ClaimedMessage,
  context: { list: string; codec: Codec<unknown>; stopSignal: AbortSignal; remainingMs(): number },
): Message<Value> {
  return new MessageView<Value>(claimed, context);
}

class MessageView<Value> implements Message<Value> {
  readonly #claimed: ClaimedMessage;
  readonly #context: { list: string; codec: Codec<unknown>; stopSignal: AbortSignal; remainingMs(): number };
  #bytes: Uint8Array | undefined;
  #decoded: { value: Value } | undefined;
  #id: string | undefined;
  #signal: AbortSignal | undefined;

  constructor(
    claimed: ClaimedMessage,
    context: { list: string; codec: Codec<unknown>; stopSignal: AbortSignal; remainingMs(): number },
  ) {
    this.#claimed = claimed;
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
    this.#decoded ??= { value: this.#context.codec.decode(this) as Value };
    return this.#decoded.value;
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
    this.#signal ??= AbortSignal.any([this.#context.stopSignal]);
    return this.#signal;
  }

  remainingMs(): number {
    return this.#context.remainingMs();
  }
}
