// The function: it drains the list "emails", and sends each by an HTTP API for mail.
import { createDrain, type Message, NonRetryableError, Overloaded } from "spillway";
import { lambdaContinuation, lambdaHandler, parameters } from "spillway/lambda";
import { upstash } from "spillway/upstash";
import { z } from "zod";

const email = z.object({ to: z.email(), subject: z.string().min(1), text: z.string() });

export const handler = lambdaHandler(async () => {
  const { REDIS_URL_PARAMETER, REDIS_TOKEN_PARAMETER, MAIL_KEY_PARAMETER, MAIL_URL = "" } = process.env;
  const [url, token, key] = await parameters([
    REDIS_URL_PARAMETER,
    REDIS_TOKEN_PARAMETER,
    MAIL_KEY_PARAMETER,
  ]);
  return createDrain({
    redis: upstash({ url, token }),
    list: "emails",
    // A message that is not a mail becomes a dead letter, and the handler is not called with it.
    schema: email,
    handlerTimeoutMs: 10_000,
    handler: (message) => send(message, { url: MAIL_URL, key: key ?? "" }),
    continuation: lambdaContinuation(),
  });
});

type Email = z.infer<typeof email>;

async function send({ value, id, signal }: Message<Email>, api: { url: string; key: string }): Promise<void> {
  const response = await fetch(api.url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Bearer ${api.key}`,
      // If the API knows this header, a mail whose answer was lost is not sent twice.
      "idempotency-key": id,
    },
    body: JSON.stringify({ from: "shop@example.com", ...value }),
    signal,
  });
  await response.body?.cancel();
  if (response.status === 429) {
    const seconds = Number(response.headers.get("retry-after") ?? 30);
    throw new Overloaded({ untilMs: Date.now() + seconds * 1_000, message: "The mail API wants a pause." });
  }
  if (response.status >= 400 && response.status < 500)
    throw new NonRetryableError(`The mail API refused it with ${response.status}.`);
  if (!response.ok) throw new Error(`The mail API answered with ${response.status}.`);
}
