import type { RedisCommand } from "./redis/redis-client.ts";
import { safeReplyText, withoutScript } from "./redis/reply-text.ts";

/** Every way Spillway can fail, one code a way. Expected results (empty, busy, lost lease) are values, not errors. */
export type SpillwayErrorCode =
  | "invalid-option"
  | "redis-transport"
  | "redis-reply"
  | "redis-protocol"
  | "redis-too-large"
  | "codec"
  | "schema"
  | "handler-timeout"
  | "handler-outcome"
  | "batch-outcomes"
  | "order-key"
  | "lease-too-short"
  | "stood-still"
  | "closed"
  | "push-incomplete"
  | "effect-refused"
  | "shard-count"
  | "missing-package"
  | "test-expectation"
  | "test-stalled"
  | ContinuationErrorCode;

/** How a hop can fail, on the side that sends it and on the side that takes it. */
export type ContinuationErrorCode =
  | "continuation-refused"
  | "continuation-failed"
  | "continuation-unknown"
  | "hop-unproven"
  | "hop-malformed";

/** The base of all errors Spillway throws: `code` says which, `cause` keeps what was underneath. */
export class SpillwayError extends Error {
  override readonly name: string = "SpillwayError";
  readonly code: SpillwayErrorCode;
  constructor(code: SpillwayErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** An option was refused at construction. Says which option, what is wanted, and what was got. */
export class OptionError extends SpillwayError {
  override readonly name: string = "OptionError";
  readonly option: string;
  readonly expected: string;
  readonly received: string;
  constructor(option: string, expected: string, received: string) {
    super("invalid-option", `Option "${option}" must be ${expected}; got ${received}.`);
    this.option = option;
    this.expected = expected;
    this.received = received;
  }
}

/**
 * A push ended in its middle: `pushedCount` messages, the first given, were pushed for certain; `cause` says why not the
 * others. Of the next up to 1,000 it is not known where the cause is a lost reply, or where the list has shards; and of none
 * with `priority: "next"`, whose last messages are sent first.
 */
export class PushIncompleteError extends SpillwayError {
  override readonly name: string = "PushIncompleteError";
  readonly pushedCount: number;
  constructor(pushedCount: number, cause: unknown) {
    super(
      "push-incomplete",
      `The push ended after ${pushedCount} messages, which are pushed. The cause says why. Push the others again.`,
      { cause },
    );
    this.pushedCount = pushedCount;
  }
}

/**
 * A request got no usable answer: refused, reset, timed out, HTTP 429 or 5xx, a body that is not the protocol's.
 * Whether the request ran is not known, so only a request that can be repeated may be sent again.
 */
export class RedisTransportError extends SpillwayError {
  override readonly name: string = "RedisTransportError";
  /** The HTTP status, where there was one. */
  readonly status: number | undefined;
  /** Whether waiting and sending again may help: false for HTTP 401 and 403, say. */
  readonly isRetryable: boolean;
  constructor(message: string, options: { status?: number; isRetryable: boolean; cause?: unknown }) {
    super("redis-transport", message, "cause" in options ? { cause: options.cause } : undefined);
    this.status = options.status;
    this.isRetryable = options.isRetryable;
  }
}

/**
 * Redis answered with an error: the command was refused or failed. `prefix` is its first word (`WRONGTYPE`, `OOM`,
 * `NOSCRIPT`). The message is the server's without what it may quote of arguments; with the `command` given, it names
 * that and its keys where they are the trouble.
 */
export class RedisReplyError extends SpillwayError {
  override readonly name: string = "RedisReplyError";
  readonly prefix: string;
  readonly #serverText: string;
  constructor(serverText: string, options?: { cause?: unknown; command?: RedisCommand }) {
    const { command, ...rest } = options ?? {};
    const text = withoutScript(serverText);
    super("redis-reply", safeReplyText(text, command), rest);
    this.prefix = /^([A-Z]+)\b/.exec(text)?.[1] ?? "ERR";
    this.#serverText = serverText;
  }

  /** The server's own words, for whoever sent the command. They may quote payloads: never log them. */
  get serverText(): string {
    return this.#serverText;
  }
}

/** How the text of a refused effect begins, in its error and in a dead letter. */
export const refusedEffect = "Redis refused the effect ";

/**
 * Redis refused an effect of a message that its handler acknowledged, so the message has failed. Says which command and
 * which key, and why, as `cause` does; of the command's other words nothing is told.
 */
export class EffectError extends SpillwayError {
  override readonly name: string = "EffectError";
  /** The same as short as a dead letter has it. */
  readonly refused: string;
  constructor(what: string, cause: RedisReplyError) {
    super("effect-refused", `${refusedEffect}${what}, so the message has failed: ${cause.message}`, {
      cause,
    });
    this.refused = refusedEffect + what;
  }
}

/** A reply did not have the shape that the command or script promises: another server, another version, or a bug. */
export class RedisProtocolError extends SpillwayError {
  override readonly name: string = "RedisProtocolError";
  constructor(message: string, options?: { cause?: unknown }) {
    super("redis-protocol", message, options);
  }
}

/** A request or its reply is larger than the server takes. A batch is halved and tried again before this is thrown. */
export class RedisTooLargeError extends SpillwayError {
  override readonly name: string = "RedisTooLargeError";
  constructor(message: string, options?: { cause?: unknown }) {
    super("redis-too-large", message, options);
  }
}

/** A handler, or the schema, took longer than `handlerTimeoutMs`; its message counts as failed, whatever it still does. */
export class HandlerTimeoutError extends SpillwayError {
  override readonly name: string = "HandlerTimeoutError";
  constructor(timeoutMs: number, what = "handler") {
    super(
      "handler-timeout",
      `The ${what} took longer than handlerTimeoutMs (${timeoutMs} ms). The message will be tried again; pass message.signal on to what the handler awaits.`,
    );
  }
}

/** The drain or the client was closed before this was asked of it. */
export class ClosedError extends SpillwayError {
  override readonly name: string = "ClosedError";
  constructor(what: string) {
    super("closed", `The ${what} is closed: make a new one, or close it after its last use.`);
  }
}

/** A package that only some adapters need, and that is not installed with ours, does not load. Says how to install it. */
export class MissingPackageError extends SpillwayError {
  override readonly name: string = "MissingPackageError";
  /** Its name, as npm knows it. */
  readonly packageName: string;
  constructor(packageName: string, options?: { cause?: unknown }) {
    super(
      "missing-package",
      `The package "${packageName}" does not load. Install it: npm install ${packageName}`,
      options,
    );
    this.packageName = packageName;
  }
}

/**
 * A hop was not taken, or a call that claims to be one is none. Of a continuation, `code` says what may be done:
 *
 * - `continuation-refused`: sending the hop again does no harm and may help. The drain does so while it has time.
 * - `continuation-failed`: the hop was not taken, and would not be if it were sent again.
 * - `continuation-unknown`: the hop may have been taken. It is not sent again, or there might be two chains.
 *
 * Of a receiver: `hop-unproven` for a call without the proof that it is ours (HTTP 401), and `hop-malformed` for one that
 * has it and is no hop all the same (HTTP 400).
 */
export class ContinuationError extends SpillwayError {
  override readonly name: string = "ContinuationError";
  declare readonly code: ContinuationErrorCode;
  constructor(code: ContinuationErrorCode, message: string, options?: { cause?: unknown }) {
    super(code, message, options);
  }
}
