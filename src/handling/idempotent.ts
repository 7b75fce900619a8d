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
 * A handler that leaves a done-marker in Redis for each message it has finished, before the message is settled. Should
 * the drain die in between, whoever recovers its batch acknowledges that message without running it again. Markers
 * belong to one claim, so two messages of equal payloads are never taken for each other. Two commands a message, in one
 * request, whose time is not the handler's; the settle removes the marker. What it cannot help: a process that dies inside the handler.
 *
 * `ttlMs`: how long a marker lasts, ms; longer than a lease, for a marker that ended is no marker. Throws `OptionError`
 * for a `ttlMs` that is no whole number from 1 to a year. Scripted engine only: `createDrain` refuses it with the plain one.
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
