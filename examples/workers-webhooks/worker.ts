// One event becomes a delivery for each subscriber, all in one step; then each delivery is tried separately.
import { ack, createSpillway, deadLetter, forward, type Message, NonRetryableError } from "spillway";
import { cloudflareHandler } from "spillway/cloudflare";
import { upstash } from "spillway/upstash-fetch";

interface Env {
  readonly UPSTASH_REDIS_REST_URL: string;
  readonly UPSTASH_REDIS_REST_TOKEN: string;
  /** JSON: URLs by the type of event. */
  readonly SUBSCRIBERS: string;
}

interface Event {
  /** Different for each event, so that receivers can tell a second attempt from a second event. */
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
}

interface Delivery {
  readonly to: string;
  readonly event: Event;
}

/** `forward` needs two lists of one hash slot: the part in braces is the same. */
const events = "{hooks}:events";
const deliveries = "{hooks}:deliveries";

const { DrainChain, ...handlers } = cloudflareHandler((env: Env) => {
  const subscribers: Record<string, string[]> = JSON.parse(env.SUBSCRIBERS);
  const fanOut = ({ value }: Message<Event>) => {
    if (typeof value?.id !== "string") return deadLetter("An event without an id.");
    const urls = subscribers[value.type] ?? [];
    if (urls.length === 0) return ack;
    return forward(
      deliveries,
      urls.map((to) => ({ to, event: value })),
    );
  };
  return (more) =>
    createSpillway({
      redis: upstash({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN }),
      lists: {
        [events]: { handler: fanOut },
        [deliveries]: {
          handler: deliver,
          // A receiver may be down for an hour. So it is tried again after 1, 2, 4 … 64 minutes, in about two hours.
          maxAttempts: 8,
          retryDelay: ({ attempt }) => 60_000 * 2 ** (attempt - 1),
          handlerTimeoutMs: 10_000,
          concurrency: 20,
        },
      },
      ...more,
    });
});

export { DrainChain };
export default handlers;

async function deliver({ value: { to, event }, id, signal }: Message<Delivery>): Promise<void> {
  const response = await fetch(to, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": id },
    body: JSON.stringify(event),
    signal,
  });
  await response.body?.cancel();
  if (response.status === 410) throw new NonRetryableError("The subscriber is gone.");
  if (!response.ok) throw new Error(`The receiver answered with ${response.status}.`);
}
