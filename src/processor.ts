import type { Batch } from "./broker.ts";
import type { Clock } from "./clock.ts";
import type { Codec } from "./codec.ts";
import type { Stopper } from "./deadline.ts";
import { type Message, messageView, type Outcome } from "./message.ts";

/** Called with each message. What it returns is ignored; a throw fails the message. */
export type Handler<Value> = (message: Message<Value>) => unknown;

/** Called with all messages of a batch. A throw fails them all. */
export type BatchHandler<Value> = (
  messages: readonly Message<Value>[],
  context: { readonly signal: AbortSignal; remainingMs(): number },
) => unknown;

export interface ProcessorOptions {
  readonly list: string;
  readonly codec: Codec<unknown>;
  readonly clock: Clock;
  readonly concurrency: number;
  readonly handler: Handler<unknown> | undefined;
  readonly batchHandler: BatchHandler<unknown> | undefined;
}

/**
 * Runs the handlers of one batch and says what became of each message. Knows no Redis, and never throws.
 *
 * A message starts as `release` (not begun), is `keep` while its handler runs, and ends as `ack` or `retry`. When the
 * stopper stops, or the lease nears its end, no other message begins; when it says leave, those that still run stay
 * `keep`: they may yet finish, so no one else may have them before their lease ends.
 */
export async function processBatch(
  batch: Batch,
  stopper: Stopper,
  options: ProcessorOptions,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = batch.messages.map(() => "release");
  const lease = watchLease(batch, stopper, options.clock);
  const context = {
    list: options.list,
    codec: options.codec,
    stopSignal: lease.signal,
    remainingMs: lease.remainingMs,
  };
  const views = batch.messages.map((claimed) => messageView<unknown>(claimed, context));
  const { handler, batchHandler } = options;
  const work = handler
    ? runEach(views, handler, outcomes, options.concurrency, () => lease.isStopped(), stopper)
    : runTogether(views, batchHandler as BatchHandler<unknown>, outcomes, lease, stopper);
  await Promise.race([work, stopper.left]);
  lease.dispose();
  // A copy: a handler that finishes after it was left behind must not change what has been decided.
  return [...outcomes];
}

async function runEach(
  messages: readonly Message[],
  handler: Handler<unknown>,
  outcomes: Outcome[],
  concurrency: number,
  isStopped: () => boolean,
  stopper: Stopper,
): Promise<void> {
  let next = 0;
  const runNext = async (): Promise<void> => {
    while (next < messages.length && !isStopped()) {
      const at = next++;
      outcomes[at] = "keep";
      outcomes[at] = await outcomeOf(() => handler(messages[at] as Message), stopper);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, messages.length) }, runNext));
}

async function runTogether(
  messages: readonly Message[],
  batchHandler: BatchHandler<unknown>,
  outcomes: Outcome[],
  lease: LeaseWatch,
  stopper: Stopper,
): Promise<void> {
  if (lease.isStopped()) return;
  outcomes.fill("keep");
  const context = { signal: lease.signal, remainingMs: lease.remainingMs };
  outcomes.fill(await outcomeOf(() => batchHandler(messages, context), stopper));
}

async function outcomeOf(run: () => unknown, stopper: Stopper): Promise<Outcome> {
  try {
    await run();
    return "ack";
  } catch {
    // An abort from outside is no fault of the message; the end of the budget counts, or a message that always
    // needs more than a budget would come back for ever.
    return stopper.wasAborted ? "release" : "retry";
  }
}

interface LeaseWatch {
  readonly signal: AbortSignal;
  isStopped(): boolean;
  remainingMs(): number;
  dispose(): void;
}

/** Part of a lease kept at its end for settling what did finish. */
const leaseReserveShare = 4;

/** Time for one batch: until the drain stops or, if sooner, a little before its lease ends. */
function watchLease(batch: Batch, stopper: Stopper, clock: Clock): LeaseWatch {
  const leftMs = batch.leaseEndsAt - clock.now();
  const stopAt = clock.now() + leftMs - leftMs / leaseReserveShare;
  if (leftMs - leftMs / leaseReserveShare >= stopper.remainingMs()) {
    return {
      signal: stopper.signal,
      isStopped: () => stopper.isStopped,
      remainingMs: () => stopper.remainingMs(),
      dispose: () => undefined,
    };
  }
  const controller = new AbortController();
  const cancel = clock.after(stopAt - clock.now(), () =>
    controller.abort(new DOMException("The lease of this batch ends.", "AbortError")),
  );
  const signal = AbortSignal.any([stopper.signal, controller.signal]);
  return {
    signal,
    isStopped: () => stopper.isStopped || clock.now() >= stopAt,
    remainingMs: () => Math.max(0, Math.min(stopper.remainingMs(), stopAt - clock.now())),
    dispose: cancel,
  };
}
