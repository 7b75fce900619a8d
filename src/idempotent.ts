import { OptionError } from "./errors.ts";
import { type Message, MessageView, markDone } from "./message.ts";
import { isHandlerOutcome } from "./outcome.ts";
import type { Handler } from "./processor.ts";

const wrapped = new WeakSet<Handler<never>>();

/** Whether a handler was made by `idempotent`. */
export function isIdempotent(handler: Handler<never>): boolean {
  return wrapped.has(handler);
}

/**
 * A handler that leaves a done-marker in Redis for each message it has finished, before the message is settled. Should
 * the drain die in between, whoever recovers its batch acknowledges that message without running it again. Markers
 * belong to one claim, so two messages of equal payloads are never taken for each other. Two commands a message, in one
 * request; the settle removes the marker. What it cannot help: a process that dies inside the handler.
 *
 * `ttlMs`: how long a marker lasts, ms; longer than a lease, for a marker that ended is no marker. Throws `OptionError`
 * for a `ttlMs` below 1. Scripted engine only: `createDrain` refuses it with the plain one.
 */
export function idempotent<Value>(handler: Handler<Value>, options: { ttlMs: number }): Handler<Value> {
  const { ttlMs } = options;
  if (typeof handler !== "function") throw new OptionError("handler", "a function", typeof handler);
  if (!Number.isInteger(ttlMs) || ttlMs < 1) {
    throw new OptionError("ttlMs", "a whole number of ms of at least 1", String(ttlMs));
  }
  const marking: Handler<Value> = async (message: Message<Value>) => {
    const returned = await handler(message);
    const isDone = !isHandlerOutcome(returned) || returned.outcome === "ack";
    if (isDone && message instanceof MessageView) {
      // The handler has done its work: a marker that cannot be written must not undo that.
      await message[markDone](ttlMs).catch(() => undefined);
    }
    return returned;
  };
  wrapped.add(marking);
  return marking;
}
