import { RedisReplyError, RedisTransportError } from "../../src/index.ts";
import { safeReplyText } from "../../src/internals.ts";
import { failureCode } from "./failure-code.ts";

/** One request of the REST protocol: a JSON body, or bytes that go as they are. */
export interface UpstashRequest {
  /** Below the server's address; empty for a command in the body. */
  readonly path: string;
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly timeoutMs: number;
}

/** Statuses other than 429 and 5xx after which the same request may yet succeed. */
const passingStatuses = new Set([200, 204, 400, 408, 425, 429]);

/**
 * Sends a request once, and tells answers of Redis from answers of anything between here and Redis, which become transport
 * errors. Redirects are not followed: they would carry payloads and the token to another place.
 */
export class UpstashHttp {
  readonly #url: string;
  readonly #place: string;
  readonly #headers: Record<string, string>;

  constructor(url: string, headers: Readonly<Record<string, string>>) {
    this.#url = url;
    this.#place = new URL(url).host;
    this.#headers = { ...headers, "Content-Type": "application/json", "Upstash-Encoding": "base64" };
  }

  /** The parsed body of an answer of Redis. Throws `RedisTransportError`, and `RedisReplyError`. */
  async send(request: UpstashRequest): Promise<unknown> {
    const { status, text, location } = await this.#fetch(request);
    const isRedirect = status === 0 || (status >= 300 && status < 400);
    if (isRedirect) throw this.#failure(`redirects to ${placeOf(location)}; give that url instead`, status);
    if (status === 413) throw tooLarge();
    const body = parse(text);
    const error = errorIn(body);
    if (error !== undefined && isRefusalOfRedis(status, error)) throw new RedisReplyError(error);
    if (status === 401 || (error !== undefined && /^(WRONGPASS|NOAUTH|Unauthorized)/i.test(error))) {
      throw this.#failure("refused the token; check url and token", status);
    }
    if (status >= 200 && status < 300 && error === undefined && isAnswer(body)) return body;
    if (status < 429 && error !== undefined && /\btoo large\b/i.test(error)) throw tooLarge();
    const words = error !== undefined && /^[A-Z]{2,} /.test(error) ? ` (${safeReplyText(error)})` : "";
    const what =
      error === undefined ? "with something that is no reply of Redis" : `with an error of its own${words}`;
    throw this.#failure(`answered ${what}`, status);
  }

  async #fetch({ path, body, timeoutMs }: UpstashRequest) {
    try {
      const response = await fetch(`${this.#url}/${path}`, {
        method: "POST",
        headers: this.#headers,
        body,
        redirect: "manual",
        signal: AbortSignal.timeout(timeoutMs),
      });
      // Sent back with the next request, this makes whichever replica answers it see what this request wrote.
      const syncToken = response.headers.get("upstash-sync-token");
      if (syncToken !== null) this.#headers["upstash-sync-token"] = syncToken;
      const { status, headers } = response;
      return { status, text: await response.text(), location: headers.get("location") };
    } catch (error) {
      if (error instanceof Error && error.name === "TimeoutError") {
        throw new RedisTransportError(`No reply within ${timeoutMs} ms from ${this.#place}.`, {
          isRetryable: true,
        });
      }
      const code = failureCode(error);
      throw new RedisTransportError(
        `The request to ${this.#place} failed on its way${code === undefined ? "" : ` (${code})`}.`,
        { isRetryable: true },
      );
    }
  }

  #failure(what: string, status: number): RedisTransportError {
    const isRetryable = status >= 500 || passingStatuses.has(status);
    const message = `The server at ${this.#place} ${what}${status > 0 ? ` (HTTP ${status})` : ""}.`;
    return new RedisTransportError(message, { status, isRetryable });
  }
}

/** Status 413, from Redis or from anything in front of it. */
function tooLarge(): RedisTransportError {
  return new RedisTransportError("The request or its reply is larger than the server allows.", {
    status: 413,
    isRetryable: false,
  });
}

/**
 * Errors of Redis come with status 400, or in pipelines with 200. They begin with a word in capitals, which those of a gateway do
 * not. That a token's user lacks a right always comes from Redis, whatever the status.
 */
function isRefusalOfRedis(status: number, error: string): boolean {
  if (/^NOPERM /.test(error)) return status < 500 && status !== 429;
  return (
    (status === 200 || status === 400) && /^[A-Z]{2,} /.test(error) && !/^(WRONGPASS|NOAUTH) /.test(error)
  );
}

/** Whether a body is one of the REST protocol: a result, or the results of a pipeline. */
function isAnswer(body: unknown): boolean {
  return Array.isArray(body) || (typeof body === "object" && body !== null && "result" in body);
}

function errorIn(body: unknown): string | undefined {
  const { error } = (typeof body === "object" && body !== null ? body : {}) as { error?: unknown };
  return typeof error === "string" ? error : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function placeOf(location: string | null): string {
  return location !== null && URL.canParse(location) ? new URL(location).host : "another place";
}
