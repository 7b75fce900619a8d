import type { Message } from "./message.ts";
import type { HandlerOutcome } from "./outcome.ts";

// biome-ignore lint/suspicious/noConfusingVoidType: a handler that returns nothing is the ordinary one.
type Nothing = void | null | undefined;

/** What a `Handler` returns: nothing, an outcome, or a promise of either. */
export type HandlerReturn = Nothing | HandlerOutcome | PromiseLike<Nothing | HandlerOutcome>;

/**
 * Called with each message. It returns nothing, which means done, or an outcome such as `retry()`; a throw fails the
 * message. A plain result (a row, a response) means done too, but the type does not allow it, so that mistakes such as
 * `return retry` do not compile: write `async (message) => { await send(message.value); }`.
 */
export type Handler<Value> = (message: Message<Value>) => HandlerReturn;

/** What may stand for one message in the array that a batch handler returns. */
export type MessageVerdict =
  | Nothing
  | HandlerOutcome
  | Error
  | PromiseSettledResult<unknown>
  | PromiseLike<Nothing | HandlerOutcome>;

type BatchVerdict = Nothing | HandlerOutcome | FailedMessages | readonly MessageVerdict[];

/** What a `BatchHandler` returns. */
export type BatchHandlerReturn = BatchVerdict | PromiseLike<BatchVerdict>;

/**
 * Called with all messages of a batch or, with `batchBy`, with those of one group, whose `key` stands in the context. It
 * returns nothing (all are done), one outcome for all, an array with an outcome, error, promise or undefined for each message,
 * or `{ failed }` with those that are not done. A throw fails them all. The array is frozen: copy it to sort it.
 */
export type BatchHandler<Value> = (
  messages: readonly Message<Value>[],
  context: { readonly signal: AbortSignal; remainingMs(): number; readonly key: string | undefined },
) => BatchHandlerReturn;

/** A batch handler may return this to name only the messages that are not done. A Map also says what becomes of each. */
export interface FailedMessages {
  readonly failed: Iterable<Message> | ReadonlyMap<Message, Error | HandlerOutcome>;
}
