import type { Client } from "@upstash/qstash";
import { type Continuation, type NextDrain, OptionError } from "../../../src/index.ts";
import { hopBody } from "../signed/index.ts";
import { loadSdk } from "./sdk.ts";

export interface QstashOptions {
  /** The drain's own URL, which QStash calls; it must be reachable from the internet. */
  readonly url: string | URL;
  /** QStash's token. */
  readonly token: string;
  /** QStash's own URL: that of your region, or of a server for tests. Default: `https://qstash.upstash.io`. */
  readonly baseUrl?: string;
  /**
   * How often QStash calls again what was not answered with 2xx. Default: 1, after about 12 s; a second would come after
   * more than two minutes, when the schedule has long begun another chain.
   */
  readonly retries?: number;
  /** Longest chain, in hops; then the schedule begins another. Default: 10,000. */
  readonly maxHops?: number;
}

const baseUrlDefault = "https://qstash.upstash.io";
const maxHopsDefault = 10_000;
const retriesDefault = 1;
const firstWaitMs = 50;
const attemptMsMin = 50;
/** A timer further away than this wakes a drain in between. Source: Upstash docs, "Delay": 7 days on the free plan. */
const delayMsMax = 7 * 24 * 3_600_000;
const encoder = new TextEncoder();

/**
 * Goes on by a message to QStash, which calls the drain's own URL: no depth limit, and an exact timer, to the second, for
 * the next delayed message. A message carries an id, by which QStash drops doubles, so a publish whose reply was lost is sent
 * again. Throws `OptionError` for bad options. `@upstash/qstash` is loaded when first used.
 */
export function qstash(options: QstashOptions): Continuation {
  const { url, token, retries = retriesDefault, maxHops = maxHopsDefault } = options;
  if (!URL.canParse(url)) throw new OptionError("url", "an absolute URL", JSON.stringify(url));
  if (typeof token !== "string" || token === "") {
    throw new OptionError("token", "a string with at least one character", "none");
  }
  for (const [name, count] of Object.entries({ retries, maxHops })) {
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new OptionError(name, "a whole number of at least 0", String(count));
    }
  }
  const destination = String(url);
  const client = lazyClient(options);
  const publish = async (deduplicationId: string, next: NextDrain, notBefore?: number): Promise<null> => {
    const message = {
      url: destination,
      body: hopBody(next),
      headers: { "content-type": "application/json" },
      deduplicationId,
      retries,
      ...(notBefore === undefined ? {} : { notBefore }),
    };
    const opened = await client();
    return untilTaken(() => opened.publish(message), next.timeoutMs);
  };
  return {
    name: "qstash",
    invoke: async (next) => {
      if (next.chain.hop > maxHops) {
        return { declined: `The chain has reached ${maxHops} hops; the schedule goes on.` };
      }
      // Were the id that of the hop, a hop delivered twice could end the chain: the first of its two drains names the
      // successor, which finds the second at work and stops, and the second's own would be dropped as a double.
      return publish(crypto.randomUUID(), next);
    },
    invokeLater: async (next) => {
      // All drains that wait for the same second share one timer.
      let second = Math.ceil((Date.now() + Math.min(next.inMs, delayMsMax)) / 1_000);
      // But a drain that a timer woke too soon, by this clock, wants a later one: its own has been delivered.
      second = Math.max(second, secondOf(next.chain.id) + 1);
      const timer = { ...next, chain: { id: timerId(second), hop: 1 } };
      return publish(await digest([destination, next.list, second]), timer, second);
    },
  };
}

function timerId(second: number): string {
  return `timer-${second}`;
}

/** The second of the timer that began a chain; 0 for a chain that none did. */
function secondOf(chainId: string): number {
  return Number(/^timer-(\d{1,12})$/.exec(chainId)?.[1] ?? 0);
}

function lazyClient({ token, baseUrl = baseUrlDefault }: QstashOptions): () => Promise<Client> {
  let made: Promise<Client> | undefined;
  return () => {
    made ??= loadSdk().then(
      // We repeat by ourselves, within the time given.
      ({ Client: QstashClient }) =>
        new QstashClient({ token, baseUrl, retry: { retries: 0 }, devMode: false, enableTelemetry: false }),
    );
    return made;
  };
}

/** Sends until QStash has taken it, or has said that it will not, or the time is over. Repeating is harmless: see above. */
async function untilTaken(send: () => Promise<unknown>, timeoutMs: number): Promise<null> {
  const giveUpAt = Date.now() + timeoutMs;
  for (let waitMs = firstWaitMs; ; waitMs *= 2) {
    try {
      await within(send(), Math.max(attemptMsMin, giveUpAt - Date.now()));
      return null;
    } catch (error) {
      const pauseMs = waitMs * (0.5 + Math.random() / 2);
      if (isFinal(error) || Date.now() + pauseMs + attemptMsMin > giveUpAt) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

/** Whether QStash said that it will not take this message, whenever it is sent. */
function isFinal(error: unknown): boolean {
  const { status } = (error ?? {}) as { status?: unknown };
  return typeof status === "number" && status >= 400 && status < 500 && status !== 408 && status !== 429;
}

/** The SDK knows no timeout of its own. */
async function within(sending: Promise<unknown>, timeoutMs: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise((_resolve, reject) => {
    const late = (): void => reject(new Error(`QStash has not answered within ${Math.round(timeoutMs)} ms.`));
    timer = setTimeout(late, timeoutMs);
  });
  try {
    await Promise.race([sending, over]);
  } finally {
    clearTimeout(timer);
  }
}

/** An id that keeps its parts apart, whatever a list's name is, and fits a header. */
async function digest(parts: readonly unknown[]): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", encoder.encode(JSON.stringify(parts)));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
