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
   * How often QStash repeats a call that was not answered with 2xx. Default: 1, after about 12 s. A second repeat would come after
   * more than two minutes, when the schedule has begun another chain.
   */
  readonly retries?: number;
  /** Longest chain, in hops. After it the schedule begins another. Default: 10,000. */
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
/** The longest timer, ms. For a later time, a drain is woken in between. Source: Upstash docs, "Delay": 7 days on the free plan. */
const delayMsMax = 7 * 24 * 3_600_000;
const encoder = new TextEncoder();

/**
 * Goes on by a message to QStash, which calls the drain's own URL: chains of any length, and a timer that is exact to the second
 * for the next delayed message. Each message has an id by which QStash drops duplicates, so it is sent again where the reply was
 * lost. No redirect is followed: it would carry the token and the hop to another place. Throws `OptionError` for bad options.
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
      const text = `QStash could not be reached at ${new URL(baseUrl).host}.`;
      throw new ContinuationError("continuation-refused", text, { cause });
    });
    await response.body?.cancel().catch(() => undefined);
    if (response.ok) return null;
    throw failureOf(response.status);
  };
  return {
    name: "qstash",
    maxHops,
    // An id made of the hop could end the chain where a hop is delivered twice: the first of its two drains invokes the next one,
    // which finds the second at work and stops, and the message of the second would be dropped as a duplicate.
    invoke: (next) => publish(next.sendId, next),
    invokeLater: async (next) => {
      // All drains that wait for the same second share one timer by their id.
      let second = Math.ceil((Date.now() + Math.min(next.inMs, delayMsMax)) / 1_000);
      // But a drain that its timer woke too soon, by this clock, needs a later one: QStash would drop the same one.
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

/** Only where QStash said that it will not take this message, repeating does not help. */
function failureOf(status: number): ContinuationError {
  const isFinal = status < 500 && status !== 408 && status !== 429;
  const code = isFinal ? "continuation-failed" : "continuation-refused";
  const why =
    status < 400 ? `leads to another place (${status}): set baseUrl to it` : `answered with ${status}`;
  return new ContinuationError(code, `QStash did not take the hop: it ${why}.`);
}

/** A digest of several parts that keeps them apart, whatever a list's name is, and fits into a header. */
async function digest(parts: readonly unknown[]): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", encoder.encode(JSON.stringify(parts)));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
