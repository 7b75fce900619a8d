// The drain that both functions run.
import { type ChainPosition, createDrain, type DrainReport, type Message, NonRetryableError } from "spillway";
import { reportAsJson } from "spillway/http";
import { signedContinuation } from "spillway/signed";
import { upstash } from "spillway/upstash";

const deliverTo = environment("DELIVER_TO");
export const redis = upstash({
  url: environment("UPSTASH_REDIS_REST_URL"),
  token: environment("UPSTASH_REDIS_REST_TOKEN"),
});

/** The first key signs. A second one is still accepted, while keys are replaced. */
export const keys = environment("DRAIN_KEYS").split(",");

export const hopPath = "/.netlify/functions/drain-background";

/** While messages are left, the background function goes on, in hops of up to 15 minutes. */
export const drain = createDrain({
  redis,
  list: "webhooks",
  handler: deliver,
  // The last 5 s of each budget are for the last settle, and for calling the next drain, which may need a new connection.
  reserveMs: 5_000,
  // Netlify sets URL to the address of the site.
  continuation: signedContinuation({ url: `${environment("URL")}${hopPath}`, keys }),
});

/** Writes a report as a line of JSON, with its chain and hop where it has them. */
export function logReport(report: DrainReport, chain?: ChainPosition): void {
  console.log(
    JSON.stringify({ ...reportAsJson(report), ...(chain && { chainId: chain.id, hop: chain.hop }) }),
  );
}

/** Your work goes here. This one posts each message to the URL in `DELIVER_TO`. */
async function deliver({ payload, id, signal }: Message): Promise<void> {
  const response = await fetch(deliverTo, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": id },
    body: payload,
    signal,
  });
  await response.body?.cancel();
  // With such a status the receiver will refuse the message again. Anything else is worth another attempt.
  const isFinal = response.status >= 400 && response.status < 500 && response.status !== 429;
  if (isFinal) throw new NonRetryableError(`The receiver answered with ${response.status}.`);
  if (!response.ok) throw new Error(`The receiver answered with ${response.status}.`);
}

/** A variable that must be set: a missing secret is found when the function starts, not when it is used. */
function environment(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`Set the environment variable ${name}.`);
  return value;
}
