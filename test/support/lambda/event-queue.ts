import type { Executor, Request } from "./executor.ts";

export interface Dropped {
  readonly functionName: string;
  readonly event: unknown;
  readonly reason: "recursion" | "age" | "retries";
}

export interface EventQueueOptions {
  readonly executor: Executor;
  /** When an event is tried again whose invocation failed, ms: after the first, and after the second. */
  readonly retryDelaysMs: readonly [number, number];
  /** When an event is tried again that was throttled, ms: the first wait, which doubles up to the second. */
  readonly throttleBackoffMs: readonly [number, number];
  readonly onDrop: (dropped: Dropped) => void;
  readonly onEmpty: () => void;
}

interface QueuedEvent {
  readonly request: Request;
  readonly queuedAt: number;
  readonly throttledCount: number;
}

/**
 * The queue behind asynchronous invokes. A throttled event stays, and is tried again until it is too old; one whose
 * invocation failed is tried again as often as the function wants. Either way it ends by success or by being dropped.
 */
export class EventQueue {
  readonly #options: EventQueueOptions;
  readonly #timers = new Set<NodeJS.Timeout>();
  #pendingCount = 0;
  #isStopped = false;

  constructor(options: EventQueueOptions) {
    this.#options = options;
  }

  /** Nothing waits here, and nothing that came from here runs. */
  get isEmpty(): boolean {
    return this.#pendingCount === 0;
  }

  push(request: Request): void {
    this.#pendingCount++;
    this.#after(0, { request, queuedAt: Date.now(), throttledCount: 0 });
  }

  /** Forgets everything. */
  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#pendingCount = 0;
    this.#options.onEmpty();
  }

  #after(delayMs: number, queued: QueuedEvent): void {
    if (this.#isStopped) return;
    const { maximumEventAgeMs } = queued.request.target.lambda;
    const restMs = Math.max(0, queued.queuedAt + maximumEventAgeMs - Date.now());
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        void this.#try(queued);
      },
      Math.min(delayMs, restMs),
    );
    this.#timers.add(timer);
  }

  async #try(queued: QueuedEvent): Promise<void> {
    const { executor, retryDelaysMs, throttleBackoffMs } = this.#options;
    const { request, queuedAt, throttledCount } = queued;
    const { lambda } = request.target;
    if (Date.now() - queuedAt >= lambda.maximumEventAgeMs) return this.#drop(request, "age");
    const running = executor.start(request);
    if (running === null) {
      const [firstMs, maxMs] = throttleBackoffMs;
      const backoffMs = Math.min(maxMs, firstMs * 2 ** throttledCount);
      return this.#after(backoffMs, { ...queued, throttledCount: throttledCount + 1 });
    }
    const { outcome } = await running;
    if (outcome === "returned") return this.#remove();
    const { attempt } = request;
    if (attempt >= lambda.maximumRetryAttempts) return this.#drop(request, "retries");
    const delayMs = retryDelaysMs[attempt] ?? retryDelaysMs[1];
    this.#after(delayMs, { request: { ...request, attempt: attempt + 1 }, queuedAt, throttledCount: 0 });
  }

  #drop({ target, event }: Request, reason: Dropped["reason"]): void {
    if (this.#isStopped) return;
    this.#options.onDrop({ functionName: target.lambda.name, event, reason });
    this.#remove();
  }

  #remove(): void {
    if (this.#isStopped) return;
    this.#pendingCount--;
    this.#options.onEmpty();
  }
}
