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

/** How a hop can fail, at its sender and at its receiver. */
export type ContinuationErrorCode =
  | "continuation-refused"
  | "continuation-failed"
  | "continuation-unknown"
  | "hop-unproven"
  | "hop-malformed";

/** The base of all errors that Spillway throws: `code` says which one, and `cause` holds the error behind it, if any. */
export class SpillwayError extends Error {
  override readonly name: string = "SpillwayError";
  readonly code: SpillwayErrorCode;
  constructor(code: SpillwayErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** An option was refused. Says which option, what is wanted, and what was given. */
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
 * A push failed halfway: the first `pushedCount` messages were pushed for certain, and `cause` says why the push ended. Where
 * the cause is a lost reply, or the list has shards, up to 1,000 of the messages after them may have been pushed too. With
 * `priority: "next"` it is known of none, since the last messages are sent first.
 */
export class PushIncompleteError extends SpillwayError {
  override readonly name: string = "PushIncompleteError";
  readonly pushedCount: number;
  constructor(pushedCount: number, cause: unknown) {
    super(
      "push-incomplete",
      `The push failed after ${pushedCount} messages, which are in the list; error.cause says why. Push the others again.`,
      { cause },
    );
    this.pushedCount = pushedCount;
  }
}

/**
 * A request got no usable answer: it was refused, reset or timed out, or the answer was HTTP 429 or 5xx or not the protocol's.
 * It is not known whether the request ran, so it is sent again only where repeating it does no harm.
 */
export class RedisTransportError extends SpillwayError {
  override readonly name: string = "RedisTransportError";
  /** The HTTP status, where there was one. */
  readonly status: number | undefined;
  /** Whether waiting and sending again may help. False for HTTP 401 and 403, for example. Default: true. */
  readonly isRetryable: boolean;
  constructor(message: string, options: { status?: number; isRetryable?: boolean; cause?: unknown } = {}) {
    super("redis-transport", message, "cause" in options ? { cause: options.cause } : undefined);
    this.status = options.status;
    this.isRetryable = options.isRetryable ?? true;
  }
}

/**
 * Redis answered with an error: the command was refused or failed. `prefix` is its first word (`WRONGTYPE`, `OOM`,
 * `NOSCRIPT`). The message is the server's, without any arguments that it may quote. It names the command, and its keys where
 * they are the cause.
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
 * Redis refused an effect of a message that its handler acknowledged, so the message has failed. Says which command and which
 * key, and why; `cause` is Redis' own error. The command's other arguments are never shown.
 */
export class EffectError extends SpillwayError {
  override readonly name: string = "EffectError";
  /** The short text that a dead letter holds. */
  readonly refused: string;
  constructor(what: string, cause: RedisReplyError) {
    super("effect-refused", `${refusedEffect}${what}, so the message has failed: ${cause.message}`, {
      cause,
    });
    this.refused = refusedEffect + what;
  }
}

/** A reply did not have the shape that the command or script promises: the server is another one or too old, or this is a bug. */
export class RedisProtocolError extends SpillwayError {
  override readonly name: string = "RedisProtocolError";
  constructor(message: string, options?: { cause?: unknown }) {
    const wanted = "Spillway needs Redis 6.2 or newer, or a server that answers like it.";
    super("redis-protocol", `${message} ${wanted}`, options);
  }
}

/** A request or its reply is larger than the server allows. A batch is halved and tried again before this is thrown. */
export class RedisTooLargeError extends SpillwayError {
  override readonly name: string = "RedisTooLargeError";
  constructor(message: string, options?: { cause?: unknown }) {
    super("redis-too-large", message, options);
  }
}

/** A handler, the schema or `byKey` took longer than it may. Its message counts as failed, whatever the handler still does. */
export class HandlerTimeoutError extends SpillwayError {
  override readonly name: string = "HandlerTimeoutError";
  constructor(timeoutMs: number, what = "handler") {
    super(
      "handler-timeout",
      `The ${what} took longer than handlerTimeoutMs${what === "byKey" ? " or half of the run" : ""} (${timeoutMs} ms). The message will be tried again; pass message.signal on to what the handler awaits.`,
    );
  }
}

/** The drain or the client was used after it was closed. */
export class ClosedError extends SpillwayError {
  override readonly name: string = "ClosedError";
  constructor(what: string) {
    super("closed", `The ${what} is closed. Make a new one, or close it only after its last use.`);
  }
}

/** A package that only this adapter needs cannot be loaded: it is not installed with Spillway. Says how to install it. */
export class MissingPackageError extends SpillwayError {
  override readonly name: string = "MissingPackageError";
  /** Its name, as npm knows it. */
  readonly packageName: string;
  constructor(packageName: string, options?: { cause?: unknown }) {
    super(
      "missing-package",
      `The package "${packageName}" cannot be loaded. Install it: npm install ${packageName}`,
      options,
    );
    this.packageName = packageName;
  }
}

/**
 * A hop was not taken, or a received call is not a valid hop. Where a continuation throws it, `code` says what may be done:
 *
 * - `continuation-refused`: sending the hop again does no harm and may help. The drain does so while it has time.
 * - `continuation-failed`: the hop was not taken, and sending it again would not help.
 * - `continuation-unknown`: the hop may have been taken. It is not sent again, or there might be two chains.
 *
 * Where a receiver throws it: `hop-unproven` for a call that does not prove that it is ours (HTTP 401), and `hop-malformed`
 * for one that proves it but is not a hop (HTTP 400).
 */
export class ContinuationError extends SpillwayError {
  override readonly name: string = "ContinuationError";
  declare readonly code: ContinuationErrorCode;
  constructor(code: ContinuationErrorCode, message: string, options?: { cause?: unknown }) {
    super(code, message, options);
  }
}
