import { logError } from "../failure.ts";

const everyMs = 2_000;
/** Who listens at once, at most. */
const listenersMax = 20;
/** How long one may listen before it must ask again, ms. */
const listenMsMax = 300_000;
/** Events that a listener may leave unread. */
const unreadMax = 8;

interface Listener {
  readonly endsAt: number;
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
}

/**
 * How something stands, told to all who listen: it is read once for all of them every two seconds, less often where reading
 * takes long, and not at all while nobody listens. A stream ends by itself, and where its listener does not keep up.
 */
export class StateFeed {
  readonly #read: () => Promise<object>;
  readonly #signal: AbortSignal | undefined;
  readonly #listeners = new Set<Listener>();
  #isReading = false;
  #wait: (() => void) | undefined;

  constructor(read: () => Promise<object>, signal: AbortSignal | undefined) {
    this.#read = read;
    this.#signal = signal;
    signal?.addEventListener("abort", () => this.#endAll(), { once: true });
  }

  /** A stream of events, for so long at most; null where too many listen already, or the host stops. */
  listen(lastsMs: number): ReadableStream<Uint8Array> | null {
    if (this.#listeners.size >= listenersMax || this.#signal?.aborted) return null;
    let listener: Listener;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        listener = { controller, endsAt: Date.now() + Math.min(lastsMs, listenMsMax) };
        this.#listeners.add(listener);
        if (!this.#isReading) void this.#tell();
        else this.#wait?.();
      },
      cancel: () => this.#leave(listener),
    });
  }

  /** One event, for a host whose answers must end. */
  async once(): Promise<ReadableStream<Uint8Array> | null> {
    return new Blob([await this.#event()]).stream();
  }

  async #tell(): Promise<void> {
    this.#isReading = true;
    while (this.#listeners.size > 0) {
      const startedAt = Date.now();
      const event = await this.#event();
      for (const listener of this.#listeners) this.#send(listener, event);
      await this.#pause(Math.max(everyMs, 5 * (Date.now() - startedAt)));
    }
    this.#isReading = false;
  }

  async #event(): Promise<Uint8Array<ArrayBuffer>> {
    let text: string;
    try {
      text = `event: lists\ndata: ${JSON.stringify(await this.#read())}\n\n`;
    } catch (error) {
      logError("the state of the lists could not be read.", error);
      text = 'event: trouble\ndata: {"detail":"The lists could not be read; the host\'s log says why."}\n\n';
    }
    return new TextEncoder().encode(`retry: ${everyMs}\n${text}`);
  }

  #send(listener: Listener, event: Uint8Array): void {
    const { controller, endsAt } = listener;
    controller.enqueue(event);
    if (Date.now() >= endsAt || (controller.desiredSize ?? 0) < -unreadMax) this.#end(listener);
  }

  /** Somebody new is told at once, and nobody is waited for. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wait = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.#listeners.size === 0) this.#wait();
    });
  }

  #leave(listener: Listener): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size === 0) this.#wait?.();
  }

  #end(listener: Listener): void {
    this.#leave(listener);
    try {
      listener.controller.close();
    } catch {
      // Its reader has gone.
    }
  }

  #endAll(): void {
    for (const listener of this.#listeners) this.#end(listener);
  }
}
