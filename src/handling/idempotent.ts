import { OptionError } from "../errors.ts";
import * as limits from "../limits.ts";
import { checkOptions, integer, required } from "../options/option-kinds.ts";
import { peek } from "./guest.ts";
import type { Handler, HandlerReturn } from "./handler.ts";
import { type Message, markDone } from "./message.ts";

const brand = Symbol.for("spillway.idempotent");

/** Whether a handler was made by `idempotent`, of any copy of this package. */
export function isIdempotent(handler: Handler<never>): boolean {
  return peek(handler, brand) === true;
}

/**
 * A handler that leaves a done-marker in Redis for each message that it has finished, before the message is settled. If the
 * drain dies in between, the drain that recovers the batch acknowledges that message without running it again. Markers belong
 * to one claim, so two messages of equal payloads are never confused. A marker costs two commands, in one request that does
 * not count for the handler's time; the settle removes it. It does not help where the process dies inside the handler.
 *
 * `ttlMs`: how long a marker lasts, ms. Make it longer than a lease, since an expired marker does not help. Throws
 * `OptionError` unless it is a whole number from 1 to a year. Scripted engine only: `createDrain` refuses it with the plain one.
 */
export function idempotent<Value>(handler: Handler<Value>, options: { ttlMs: number }): Handler<Value> {
  const { ttlMs } = checkOptions({ ttlMs: required(integer({ min: 1, max: limits.delayMsMax })) }, options);
  if (typeof handler !== "function") throw new OptionError("handler", "a function", typeof handler);
  const marking: Handler<Value> = (message: Message<Value>): HandlerReturn => {
    const ask = peek(message, markDone);
    if (typeof ask === "function") ask.call(message, ttlMs);
    return handler(message);
  };
  return Object.defineProperty(marking, brand, { value: true });
}
