import type { Batch } from "./broker.ts";
import type { Clock } from "./clock.ts";
import type { Codec } from "./codec.ts";
import type { Stopper } from "./deadline.ts";
import { HandlerTimeoutError, SpillwayError } from "./errors.ts";
import { type LeaseWatch, watchLease } from "./lease-watch.ts";
import { type Message, MessageView } from "./message.ts";
import { type HandlerOutcome, isHandlerOutcome, type Outcome, outcomes as say } from "./outcome.ts";
import { judgeReturned, judgeThrown, type RetryPolicy } from "./retry-policy.ts";
import { type StandardSchema, validate } from "./schema.ts";

/** Called with each message. It returns nothing, or an outcome such as `retry()`; a throw fails the message. */
export type Handler<Value> = (message: Message<Value>) => unknown;

/**
 * Called with all messages of a batch. It returns nothing (all are done), an array with one outcome, error or undefined
 * for each message, or `{ failed }` with those that are not done. A throw fails them all.
 */
export type BatchHandler<Value> = (
  messages: readonly Message<Value>[],
  context: { readonly signal: AbortSignal; remainingMs(): number },
) => unknown;

/** What a batch handler may return to name only the messages that are not done; a Map says what became of each. */
export interface FailedMessages {
  readonly failed: Iterable<Message> | ReadonlyMap<Message, Error | HandlerOutcome>;
}

export interface ProcessorOptions {
  readonly list: string;
  readonly codec: Codec<unknown>;
  readonly clock: Clock;
  readonly concurrency: number;
  readonly handlerTimeoutMs: number | undefined;
  readonly handler: Handler<unknown> | undefined;
  readonly batchHandler: BatchHandler<unknown> | undefined;
  readonly schema: StandardSchema | undefined;
  readonly policy: RetryPolicy;
  readonly markDone: (batch: Batch, at: number, ttlMs: number) => Promise<void>;
}

/** What became of a batch, and which of its messages may have a done-marker in Redis. */
export interface Processed {
  readonly outcomes: readonly Outcome[];
  readonly isMarked: readonly boolean[];
  /** Messages whose handler has begun. */
  readonly ranCount: number;
}

/**
 * Runs the handlers of one batch and says what became of each message. Knows no Redis, and never throws.
 *
 * A message starts as `release` (not begun), is `keep` while its handler runs, and ends as what the handler said. When
 * the stopper stops, or the lease nears its end, no other message begins; when it says leave, those that still run stay
 * `keep`: they may yet finish, so no one else may have them before their lease ends.
 */
export async function processBatch(
  batch: Batch,
  stopper: Stopper,
  options: ProcessorOptions,
): Promise<Processed> {
  return new BatchRun(batch, stopper, options).toProcessed();
}

class BatchRun {
  readonly #stopper: Stopper;
  readonly #options: ProcessorOptions;
  readonly #lease: LeaseWatch;
  readonly #messages: readonly MessageView[];
  readonly #outcomes: Outcome[];
  #ranCount = 0;

  constructor(batch: Batch, stopper: Stopper, options: ProcessorOptions) {
    this.#stopper = stopper;
    this.#options = options;
    this.#lease = watchLease(batch, stopper, options.clock);
    const context = {
      list: options.list,
      codec: options.codec,
      stopSignal: this.#lease.signal,
      remainingMs: this.#lease.remainingMs,
      markDone: (at: number, ttlMs: number) => options.markDone(batch, at, ttlMs),
    };
    this.#messages = batch.messages.map((claimed, at) => new MessageView(claimed, at, context));
    this.#outcomes = batch.messages.map(() => say.release);
  }

  async toProcessed(): Promise<Processed> {
    const work = this.#options.handler ? this.#runEach(this.#options.handler) : this.#runTogether();
    await Promise.race([work, this.#stopper.left]);
    this.#lease.dispose();
    // Copies: a handler that finishes after it was left behind must not change what has been decided.
    return {
      outcomes: [...this.#outcomes],
      isMarked: this.#messages.map((message) => message.isMarked),
      ranCount: this.#ranCount,
    };
  }

  async #runEach(handler: Handler<unknown>): Promise<void> {
    let next = 0;
    const runNext = async (): Promise<void> => {
      while (next < this.#messages.length && !this.#lease.isStopped()) {
        const at = next++;
        this.#ranCount += 1;
        this.#outcomes[at] = say.keep;
        this.#outcomes[at] = await this.#runOne(handler, this.#messages[at] as MessageView);
      }
    };
    await Promise.all(
      Array.from({ length: Math.min(this.#options.concurrency, this.#messages.length) }, runNext),
    );
  }

  async #runOne(handler: Handler<unknown>, message: MessageView): Promise<Outcome> {
    try {
      const { schema } = this.#options;
      if (schema) message.accept(await validate(schema, message.value));
      const returned = await this.#withinTime([message], () => handler(message));
      return judgeReturned(returned, message, this.#options.policy);
    } catch (error) {
      return this.#thrown(error, message);
    }
  }

  /** An abort from outside is no fault of the message; the end of the budget counts, or one that always needs more would come back for ever. */
  #thrown(error: unknown, message: Message): Outcome {
    return this.#stopper.wasAborted ? say.release : judgeThrown(error, message, this.#options.policy);
  }

  async #runTogether(): Promise<void> {
    const batchHandler = this.#options.batchHandler as BatchHandler<unknown>;
    if (this.#lease.isStopped()) return;
    this.#ranCount = this.#messages.length;
    this.#outcomes.fill(say.keep);
    const valid = await this.#validateAll();
    if (valid.length === 0) return;
    const context = { signal: this.#lease.signal, remainingMs: this.#lease.remainingMs };
    const messages = valid.map((at) => this.#messages[at] as MessageView);
    try {
      const returned = await this.#withinTime(messages, () => batchHandler(messages, context));
      const judged = this.#judgeAll(returned, messages);
      for (const [index, at] of valid.entries()) this.#outcomes[at] = judged[index] as Outcome;
    } catch (error) {
      for (const at of valid) this.#outcomes[at] = this.#thrown(error, this.#messages[at] as Message);
    }
  }

  /** Settles the messages that do not fit the schema, and returns the places of the others. */
  async #validateAll(): Promise<number[]> {
    const { schema } = this.#options;
    const places = [...this.#messages.keys()];
    if (!schema) return places;
    const valid = await Promise.all(
      this.#messages.map(async (message, at) => {
        try {
          message.accept(await validate(schema, message.value));
          return true;
        } catch (error) {
          this.#outcomes[at] = this.#thrown(error, message);
          return false;
        }
      }),
    );
    return places.filter((at) => valid[at]);
  }

  #judgeAll(returned: unknown, messages: readonly MessageView[]): Outcome[] {
    const { policy } = this.#options;
    const judge = (one: unknown, message: Message): Outcome => {
      if (one instanceof Error) return this.#thrown(one, message);
      if (isRejected(one)) return this.#thrown(one.reason, message);
      return judgeReturned(one, message, policy);
    };
    if (isHandlerOutcome(returned)) return messages.map((message) => judge(returned, message));
    if (isFailedMessages(returned)) {
      const failed = toFailedMap(returned.failed);
      for (const message of failed.keys()) {
        if (!messages.includes(message as MessageView))
          throw strangeOutcomes("a message that is not of the batch");
      }
      return messages.map((message) => (failed.has(message) ? judge(failed.get(message), message) : say.ack));
    }
    if (Array.isArray(returned) && returned.some(isMeant) && returned.length !== messages.length) {
      throw strangeOutcomes(`${returned.length} outcomes for ${messages.length} messages`);
    }
    if (Array.isArray(returned) && returned.length === messages.length) {
      return messages.map((message, at) => judge(returned[at], message));
    }
    return messages.map(() => say.ack);
  }

  async #withinTime<Result>(messages: readonly MessageView[], run: () => Result): Promise<Awaited<Result>> {
    const { handlerTimeoutMs, clock } = this.#options;
    if (handlerTimeoutMs === undefined) return await run();
    const endsAt = clock.now() + handlerTimeoutMs;
    const controller = new AbortController();
    const remainingMs = (): number => Math.max(0, endsAt - clock.now());
    for (const message of messages) message.limitTo({ signal: controller.signal, remainingMs });
    let cancel: () => void = () => undefined;
    const timeout = new Promise<never>((_, reject) => {
      cancel = clock.after(handlerTimeoutMs, () => {
        const error = new HandlerTimeoutError(handlerTimeoutMs);
        controller.abort(error);
        reject(error);
      });
    });
    try {
      return await Promise.race([run(), timeout]);
    } finally {
      cancel();
    }
  }
}

function isRejected(one: unknown): one is PromiseRejectedResult {
  return typeof one === "object" && one !== null && (one as { status?: unknown }).status === "rejected";
}

function isMeant(one: unknown): boolean {
  return one instanceof Error || isRejected(one) || isHandlerOutcome(one);
}

function isFailedMessages(returned: unknown): returned is FailedMessages {
  const failed = (returned as { failed?: unknown } | null | undefined)?.failed;
  return typeof failed === "object" && failed !== null && Symbol.iterator in failed;
}

function toFailedMap(failed: FailedMessages["failed"]): ReadonlyMap<Message, unknown> {
  if (failed instanceof Map) return failed;
  const error = new SpillwayError("batch-outcomes", "The batch handler named this message as failed.");
  return new Map([...(failed as Iterable<Message>)].map((message) => [message, error]));
}

function strangeOutcomes(what: string): SpillwayError {
  return new SpillwayError(
    "batch-outcomes",
    `The batch handler returned ${what}; it must return one outcome for each message, or { failed }. All are tried again.`,
  );
}
