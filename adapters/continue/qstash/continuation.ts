import { type Continuation, ContinuationError, type NextDrain, writeHop } from "../../../src/index.ts";
import { checkOptions, either, integer, type Kinds, object, required, text } from "../../../src/internals.ts";
import { refuseUrl } from "./url.ts";

export interface QstashContinuationOptions {
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
const kinds = {
  url: required(either(text(), object<URL>({ methods: ["toString"] }))),
  token: required(text({ isSecret: true })),
  baseUrl: text({ default: baseUrlDefault }),
  retries: integer({ min: 0, default: 1 }),
  maxHops: integer({ min: 0, default: 10_000 }),
} satisfies Kinds<QstashContinuationOptions>;
/** A timer further away than this wakes a drain in between. Source: Upstash docs, "Delay": 7 days on the free plan. */
const delayMsMax = 7 * 24 * 3_600_000;
const encoder = new TextEncoder();

/**
 * Goes on by a message to QStash, which calls the drain's own URL: no depth limit, and an exact timer, to the second, for
 * the next delayed message. A message carries an id, by which QStash drops doubles, so a publish whose reply was lost is sent
 * again. No redirect is followed: it would carry the token and the hop to another place. Throws `OptionError` for bad options.
 */
export function qstashContinuation(options: QstashContinuationOptions): Continuation {
  const { url, token, baseUrl, retries, maxHops } = checkOptions(kinds, options);
  refuseUrl("url", url);
  refuseUrl("baseUrl", baseUrl);
  const destination = String(url);
  // Source: Upstash docs, "Publish a Message". The SDK follows redirects, knows no signal, and logs by itself.
  const endpoint = `${baseUrl.replace(/\/$/, "")}/v2/publish/${destination}`;
  const publish = async (id: string, next: NextDrain, notBefore?: number): Promise<null> => {
    const response = await fetch(endpoint, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${token}`,
        "Content-Type": "application/json",
        "Upstash-Method": "POST",
        "Upstash-Deduplication-Id": id,
        "Upstash-Retries": String(retries),
        ...(notBefore === undefined ? {} : { "Upstash-Not-Before": String(notBefore) }),
      },
      body: JSON.stringify(writeHop(next)),
      redirect: "manual",
      signal: next.signal,
    }).catch((cause: unknown) => {
      // It may have been taken. Repeating is harmless.
      throw new ContinuationError("continuation-refused", "QStash could not be reached.", { cause });
    });
    await response.body?.cancel().catch(() => undefined);
    if (response.ok) return null;
    throw failureOf(response.status);
  };
  return {
    name: "qstash",
    maxHops,
    // Were the id that of the hop, a hop delivered twice could end the chain: the first of its two drains names the
    // successor, which finds the second at work and stops, and the second's own would be dropped as a double.
    invoke: (next) => publish(next.sendId, next),
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

/** Repeating is of no use only where QStash said that it will not take this message. */
function failureOf(status: number): ContinuationError {
  const isFinal = status < 500 && status !== 408 && status !== 429;
  const code = isFinal ? "continuation-failed" : "continuation-refused";
  const why =
    status < 400 ? `leads to another place (${status}): set baseUrl to it` : `answered with ${status}`;
  return new ContinuationError(code, `QStash did not take the message: it ${why}.`);
}

/** An id that keeps its parts apart, whatever a list's name is, and fits a header. */
async function digest(parts: readonly unknown[]): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", encoder.encode(JSON.stringify(parts)));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
