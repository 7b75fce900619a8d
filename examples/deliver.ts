import { reportAsJson } from "../adapters/http/app.ts";
import { type ChainPosition, type DrainReport, type Message, NonRetryableError } from "../src/index.ts";

/** The handler of the examples for edge platforms: posts each message to the URL in `DELIVER_TO`. */
export async function deliver({ payload, id, signal }: Message): Promise<void> {
  const response = await fetch(environment("DELIVER_TO"), {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": id },
    body: payload,
    signal,
  });
  await response.body?.cancel();
  // What was refused once will be refused again; anything else is worth another attempt.
  const isFinal = response.status >= 400 && response.status < 500 && response.status !== 429;
  if (isFinal) throw new NonRetryableError(`The receiver answered with ${response.status}.`);
  if (!response.ok) throw new Error(`The receiver answered with ${response.status}.`);
}

/** A variable that must be set: a missing secret is found when the function starts, not when it is used. */
export function environment(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`Set the environment variable ${name}.`);
  return value;
}

/** Writes a report as a line of JSON, with its chain and hop where it has them. */
export function logReport(report: DrainReport, chain?: ChainPosition): void {
  console.log(
    JSON.stringify({ ...reportAsJson(report), ...(chain && { chainId: chain.id, hop: chain.hop }) }),
  );
}
