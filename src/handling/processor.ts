import type { Batch, BatchOrder } from "../broker/broker.ts";
import type { Clock } from "../clock.ts";
import type { Stopper } from "../run/deadline.ts";
import { type LeaseWatch, watchLease } from "../run/lease-watch.ts";
import { type BatchBy, type BatchGroup, grouped, readGroup } from "./batch-groups.ts";
import { readSaid, type Said, sortOut } from "./batch-verdict.ts";
import { CallTime } from "./call-time.ts";
import type { Codec } from "./codec.ts";
import { isThenable, whenSettled } from "./guest.ts";
import type { BatchHandler, Handler } from "./handler.ts";
import { type Message, MessageView } from "./message.ts";
import { oldestMs, type SentAt } from "./message-age.ts";
import { type Outcome, release, outcomes as say } from "./outcome.ts";
import {
  type Failure,
  isUndecodable,
  type Judging,
  judgeSaid,
  judgeThrown,
  type RetryPolicy,
} from "./retry-policy.ts";
import { type StandardSchema, validate } from "./schema.ts";
import { promisesIn, readVerdict, type Verdict } from "./verdict.ts";

export interface ProcessorOptions {
  readonly list: string;
  readonly codec: Codec<unknown>;
  readonly clock: Clock;
  readonly concurrency: number;
  readonly handlerTimeoutMs: number | undefined;
  readonly handler: Handler<unknown> | undefined;
  readonly batchHandler: BatchHandler<unknown> | undefined;
  readonly batchBy: BatchBy<unknown> | undefined;
  readonly schema: StandardSchema | undefined;
  readonly sentAt: SentAt<unknown> | undefined;
  readonly policy: RetryPolicy;
  readonly markDone: ((batch: Batch, at: number, ttlMs: number) => Promise<void>) | undefined;
  /** What a message must wait for before it begins, if anything. It gets the outcomes of the batch so far. Must not reject. */
  readonly beforeBegin?: (outcomes: readonly Outcome[]) => Promise<void> | undefined;
}

/** What became of a batch, and which of its messages may have a done-marker in Redis. */
export interface Processed {
  readonly outcomes: readonly Outcome[];
  readonly isMarked: readonly boolean[];
  readonly failures: readonly Failure[];
  /** How old the oldest of them was when the batch began, ms; null where that is not known. */
  readonly oldestMs: number | null;
  /** Messages whose handler has begun. */
  readonly ranCount: number;
}

/**
 * Runs the handlers of one batch and says what became of each message. Knows no Redis, and never throws.
 *
 * A message starts as `release` (not begun), is `keep` while its handler runs, and ends as the handler says. When the stopper
 * stops, or the lease nears its end, no further message begins. When the stopper says leave, those that still run stay `keep`:
 * they may yet finish, so no other drain may have them before their lease ends.
 */
export async function processBatch(
  batch: Batch,
  stopper: Stopper,
  options: ProcessorOptions,
): Promise<Processed> {
  return new BatchRun(batch, stopper, options).toProcessed();
}

/** A message, by its place in the batch, that is ready for the batch handler. */
interface Prepared {
  readonly at: number;
  readonly group: Required<BatchGroup>;
}

class BatchRun {
  readonly #stopper: Stopper;
  readonly #options: ProcessorOptions;
  readonly #lease: LeaseWatch;
  readonly #judging: Judging;
  readonly #messages: readonly MessageView[];
  readonly #outcomes: Outcome[];
  readonly #order: BatchOrder | undefined;
  readonly #failures: Failure[] = [];
  readonly #oldestMs: number | null;
  #ranCount = 0;

  constructor(batch: Batch, stopper: Stopper, options: ProcessorOptions) {
    this.#stopper = stopper;
    this.#options = options;
    this.#order = batch.order;
    this.#lease = watchLease(batch, stopper, options.clock);
    const { list, codec, clock, policy } = options;
    this.#judging = {
      policy,
      // Turns of the plain engine do not tell Redis' time.
      redisNow: () => (batch.expiresAt > 0 ? batch.expiresAt - (batch.leaseEndsAt - clock.now()) : null),
      waitFor: (delay) => this.#newTime().wait("retryDelay function", "stop", () => delay),
    };
    const context = {
      list,
      codec,
      time: new CallTime(this.#lease, clock, undefined),
      markDone: options.markDone?.bind(null, batch),
    };
    this.#messages = batch.messages.map((claimed, at) => new MessageView(claimed, at, context));
    this.#outcomes = batch.messages.map(() => say.release);
    this.#oldestMs = oldestMs(this.#messages, options);
  }

  async toProcessed(): Promise<Processed> {
    const work = this.#options.handler ? this.#runEach(this.#options.handler) : this.#runTogether();
    await this.#stopper.untilLeft(work);
    this.#lease.dispose();
    // Copies, because a handler that was left behind and finishes later must not change the result.
    return {
      outcomes: [...this.#outcomes],
      isMarked: this.#messages.map((message) => message.isMarked),
      failures: [...this.#failures],
      oldestMs: this.#oldestMs,
      ranCount: this.#ranCount,
    };
  }

  async #runEach(handler: Handler<unknown>): Promise<void> {
    const { lines = this.#messages.map((_, at) => [at]), faults, isLoose } = this.#order ?? {};
    const waiting = lines.values();
    const runNext = async (): Promise<void> => {
      for (const line of waiting) {
        for (const at of line) {
          await this.#options.beforeBegin?.(this.#outcomes);
          if (this.#lease.isStopped()) return;
          this.#ranCount += 1;
          this.#outcomes[at] = say.keep;
          const message = this.#messages[at] as MessageView;
          this.#outcomes[at] = await this.#runOne(handler, message, faults?.get(at));
          // Go on in this line only where this message cannot come back: the brake may return one that failed for the last
          // time, Redis may refuse an effect, and where markers are made, a missing one may let it run again.
          if (!(await this.#mark(at)) && !isLoose) break;
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(this.#options.concurrency, lines.length) }, runNext));
  }

  async #runOne(
    handler: Handler<unknown>,
    message: MessageView,
    fault: { error: unknown } | undefined,
  ): Promise<Outcome> {
    const time = this.#newTime([message]);
    try {
      if (fault) throw fault.error;
      await this.#validate(message, time);
      const returned: unknown = await time.wait("handler", "time", () => handler(message));
      return await this.#judge(readVerdict(await wholeOf(returned, time)), message);
    } catch (error) {
      return this.#thrown(error, message);
    }
  }

  async #runTogether(): Promise<void> {
    if (this.#lease.isStopped()) return;
    this.#ranCount = this.#messages.length;
    this.#outcomes.fill(say.keep);
    const groups = grouped(await this.#prepareAll());
    for (const { at } of groups.flat()) this.#outcomes[at] = say.release;
    const waiting = groups.values();
    const runNext = async (): Promise<void> => {
      for (const group of waiting) {
        await this.#options.beforeBegin?.(this.#outcomes);
        if (!this.#lease.isStopped()) await this.#runGroup(group);
      }
    };
    await Promise.all(Array.from({ length: Math.min(this.#options.concurrency, groups.length) }, runNext));
  }

  async #runGroup(group: readonly Prepared[]): Promise<void> {
    const batchHandler = this.#options.batchHandler as BatchHandler<unknown>;
    // Frozen: what is said of them, by their places too, must mean the same messages afterwards.
    const messages = Object.freeze(group.map(({ at }) => this.#messages[at] as MessageView));
    for (const { at } of group) this.#outcomes[at] = say.keep;
    const time = this.#newTime(messages);
    const context = {
      key: this.#options.batchBy && group[0]?.group.key,
      get signal(): AbortSignal {
        return time.signal;
      },
      remainingMs: () => time.remainingMs(),
    };
    let said: readonly Said[];
    try {
      said = sortOut(await time.wait("handler", "time", () => batchHandler(messages, context)), messages);
    } catch (error) {
      // A payload that the codec cannot read takes no others along: they go back.
      const isReadable = messages.map((message) => !isUndecodable(error, message));
      const isOfSome = isReadable.includes(false);
      said = isReadable.map((goesBack) =>
        isOfSome && goesBack
          ? { value: release, isNamed: false }
          : { value: { status: "rejected", reason: error }, isNamed: true },
      );
    }
    await Promise.all(
      group.map(async ({ at }, index) => {
        const message = this.#messages[at] as MessageView;
        this.#outcomes[at] = await this.#judgeOneOf(said[index] as Said, message, time);
        await this.#mark(at);
      }),
    );
  }

  /** Settles the messages that do not fit the schema, or whose group is not known, and returns the others. */
  async #prepareAll(): Promise<Prepared[]> {
    const { batchBy, schema } = this.#options;
    const all = [...this.#messages.keys()].map((at) => ({ at, group: readGroup("") }));
    if (!batchBy && !schema) return all;
    const time = this.#newTime();
    const prepared = await Promise.all(
      this.#messages.map(async (message, at) => {
        try {
          await this.#validate(message, time);
          const group = readGroup(batchBy ? await time.wait("batchBy", "stop", () => batchBy(message)) : "");
          return [{ at, group }];
        } catch (error) {
          this.#outcomes[at] = await this.#thrown(error, message);
          return [];
        }
      }),
    );
    return prepared.flat();
  }

  async #validate(message: MessageView, time: CallTime): Promise<void> {
    const { schema } = this.#options;
    if (schema) message.accept(await time.wait("schema", "stop", () => validate(schema, message.value)));
  }

  async #judgeOneOf(said: Said, message: MessageView, time: CallTime): Promise<Outcome> {
    try {
      const isPending = isThenable(said.value);
      const value = isPending ? await time.wait("handler", "time", () => said.value) : said.value;
      return await this.#judge(readSaid(said, await wholeOf(value, time)), message);
    } catch (error) {
      return this.#thrown(error, message);
    }
  }

  async #judge(verdict: Verdict, message: MessageView): Promise<Outcome> {
    if (verdict.kind === "done") return say.ack;
    if (verdict.kind === "failed") return this.#thrown(verdict.error, message);
    return judgeSaid(verdict.said, message, this.#judging);
  }

  /**
   * After an abort from outside, the message is released. Where the budget ended it counts as failed: otherwise a message that
   * always needs more time would come back for ever.
   */
  async #thrown(error: unknown, message: Message): Promise<Outcome> {
    void whenSettled(error);
    if (this.#stopper.wasAborted) return say.release;
    this.#failures.push({ attempt: message.attempt, error, message });
    return judgeThrown(error, message, this.#judging);
  }

  /**
   * Makes the done-marker that a handler asked for. This does not count for the handler's time, and the message is done whatever
   * comes of it. A message with effects gets none: whoever finds it noted as done would not run its effects. Returns whether the
   * next message in its line may run now, which is where this one cannot come back.
   */
  async #mark(at: number): Promise<boolean> {
    const { kind, effects, isFailure } = this.#outcomes[at] as Outcome & { isFailure?: boolean };
    const message = this.#messages[at] as MessageView;
    if (kind === "ack" && !effects) return message.mark();
    return kind === "dead-letter" && !isFailure && !message.wantsMark;
  }

  #newTime(messages: readonly MessageView[] = []): CallTime {
    const time = new CallTime(this.#lease, this.#options.clock, this.#options.handlerTimeoutMs);
    for (const message of messages) message.limitTo(time);
    return time;
  }
}

/** What was returned, when the promises in it have come to something. */
async function wholeOf(returned: unknown, time: CallTime): Promise<unknown> {
  const promises = promisesIn(returned);
  return promises ? time.wait("handler", "time", () => Promise.allSettled(promises)) : returned;
}
