import {
  type ByteString,
  OptionError,
  type RedisClient,
  type RedisCommand,
  RedisProtocolError,
  type RedisReply,
  RedisReplyError,
  type RedisRequestOptions,
  RedisTransportError,
  toTextExact,
} from "../../src/index.ts";

/** Where Upstash, or another server of its REST protocol, is. */
export interface UpstashOptions {
  /** `https://….upstash.io`, or `http://…` for a server of your own. */
  url: string;
  token: string;
  /** How long a request may take, ms. Default: 10,000. */
  requestTimeoutMs?: number;
}

/** What sends a request: the HTTP client inside a `Redis` of `@upstash/redis` 1.39 is one. */
export interface HttpClient {
  readonly baseUrl: string;
  readonly headers: Record<string, string>;
  request(request: { path?: string[]; body?: unknown; signal: () => AbortSignal }): Promise<unknown>;
}

interface Item {
  readonly result?: unknown;
  readonly error?: unknown;
}

const requestTimeoutMsDefault = 10_000;

/** Speaks Upstash' REST protocol through whatever sends requests; reads replies and errors strictly. */
export class UpstashClient implements RedisClient {
  readonly name = "upstash";
  readonly #http: HttpClient;
  readonly #requestTimeoutMs: number;

  constructor(http: HttpClient, requestTimeoutMs: number) {
    this.#http = http;
    this.#requestTimeoutMs = requestTimeoutMs;
  }

  async command(command: RedisCommand, options?: RedisRequestOptions): Promise<RedisReply> {
    const reply = readItem(await this.#send(command, options));
    if (reply instanceof RedisReplyError) throw reply;
    return reply;
  }

  async pipeline(
    commands: readonly RedisCommand[],
    options?: RedisRequestOptions,
  ): Promise<(RedisReply | RedisReplyError)[]> {
    const replies: (RedisReply | RedisReplyError)[] = [];
    // Bytes that are no text cannot go in a JSON body: such a command goes alone, in its place.
    for (const group of groupByText(commands)) {
      const [only] = group;
      if (only && group.length === 1 && textArguments(only) === undefined) {
        replies.push(readItem(await this.#send(only, options)));
        continue;
      }
      const body = await this.#request({ path: ["pipeline"], body: group.map(textArguments) }, options);
      if (!Array.isArray(body) || body.length !== group.length) {
        throw new RedisProtocolError(
          `A pipeline of ${group.length} commands must be answered by as many results.`,
        );
      }
      replies.push(...body.map(readItem));
    }
    return replies;
  }

  async close(): Promise<void> {}

  #send(command: RedisCommand, options: RedisRequestOptions | undefined): Promise<unknown> {
    const body = textArguments(command);
    if (body) return this.#request({ body }, options);
    return this.#request({ path: command.map((argument) => percentEncode(String(argument))) }, options);
  }

  async #request(
    request: { path?: string[]; body?: unknown },
    options: RedisRequestOptions | undefined,
  ): Promise<unknown> {
    const timeoutMs = options?.timeoutMs ?? this.#requestTimeoutMs;
    try {
      // A function: with a signal object, the client would turn an abort into an empty reply.
      return await this.#http.request({ ...request, signal: () => AbortSignal.timeout(timeoutMs) });
    } catch (error) {
      throw readError(error, timeoutMs);
    }
  }
}

/** Reads `{ url, token }` or a `Redis` of `@upstash/redis`. Throws `OptionError` for what cannot work. */
export function readOptions(options: unknown): { url: string; token: string; requestTimeoutMs: number } {
  if (typeof options !== "object" || options === null) {
    throw new OptionError("upstash", "{ url, token } or a Redis of @upstash/redis", String(options));
  }
  const given = options as Partial<UpstashOptions> & { client?: Partial<HttpClient>; redis?: unknown };
  if (given.redis !== undefined) return { ...readOptions(given.redis), ...readTimeout(given) };
  const inner = given.client;
  const isInstance = inner !== undefined && typeof inner.request === "function";
  const url = isInstance ? inner.baseUrl : given.url;
  const token = isInstance ? inner.headers?.authorization?.replace(/^Bearer /, "") : given.token;
  if (typeof url !== "string" || !/^https?:\/\/[^\s]+$/.test(url)) {
    throw new OptionError(
      "url",
      'the REST URL, such as "https://….upstash.io"',
      JSON.stringify(url) ?? "nothing",
    );
  }
  if (typeof token !== "string" || token === "" || token === "undefined" || /\s/.test(token)) {
    throw new OptionError("token", "the REST token, without white space", token ? "another text" : "nothing");
  }
  return { url, token, ...readTimeout(given) };
}

function readTimeout(given: { requestTimeoutMs?: unknown }): { requestTimeoutMs: number } {
  const requestTimeoutMs = given.requestTimeoutMs ?? requestTimeoutMsDefault;
  if (typeof requestTimeoutMs !== "number" || !Number.isInteger(requestTimeoutMs) || requestTimeoutMs < 1) {
    throw new OptionError("requestTimeoutMs", "a whole number of ms of at least 1", String(requestTimeoutMs));
  }
  return { requestTimeoutMs };
}

/** The command as JSON carries it, or undefined where an argument is not UTF-8 and JSON cannot. */
function textArguments(command: RedisCommand): (string | number)[] | undefined {
  const texts: (string | number)[] = [];
  for (const argument of command) {
    const text = typeof argument === "string" ? toTextExact(argument) : argument;
    if (text === undefined) return undefined;
    texts.push(text);
  }
  return texts;
}

function groupByText(commands: readonly RedisCommand[]): RedisCommand[][] {
  const groups: RedisCommand[][] = [];
  let isOpen = false;
  for (const command of commands) {
    const isText = textArguments(command) !== undefined;
    if (isText && isOpen) (groups.at(-1) as RedisCommand[]).push(command);
    else groups.push([command]);
    isOpen = isText;
  }
  return groups;
}

function percentEncode(raw: ByteString): string {
  let encoded = "";
  for (let at = 0; at < raw.length; at++) {
    const character = raw.charAt(at);
    encoded += /[A-Za-z0-9_~-]/.test(character)
      ? character
      : `%${raw.charCodeAt(at).toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

function readItem(item: unknown): RedisReply | RedisReplyError {
  const { result, error } = (typeof item === "object" && item !== null ? item : {}) as Item;
  if (typeof error === "string") return new RedisReplyError(error);
  if (result === undefined) throw new RedisProtocolError("The reply has neither a result nor an error.");
  return decode(result);
}

function decode(result: unknown): RedisReply {
  if (result === null || typeof result === "number") return result;
  if (Array.isArray(result)) return result.map(decode);
  // `OK` alone is sent as it is (Upstash REST, "Base64 encoded responses").
  if (result === "OK") return result;
  if (typeof result === "string" && result.length % 4 === 0) {
    try {
      return atob(result);
    } catch {
      // Falls through to the error below.
    }
  }
  throw new RedisProtocolError(
    "The server did not answer in base64 as asked: it must honour `Upstash-Encoding: base64`.",
  );
}

/** Says what went wrong without the client's own texts, which carry the whole command, payloads included. */
function readError(error: unknown, timeoutMs: number): Error {
  if (error instanceof RedisTransportError) return error;
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  if (name === "TimeoutError") {
    return new RedisTransportError(`No reply within ${timeoutMs} ms.`, { isRetryable: true });
  }
  if (name === "UpstashJSONParseError") {
    // A gateway's page; the client hides the HTTP status.
    if (/: \s*<[\s\S]*(\b413\b|too large)/i.test(message)) return tooLarge();
    return new RedisTransportError("The reply was not JSON.", { isRetryable: true });
  }
  if (name === "UpstashError") {
    const text = message.replace(/, command was: [\s\S]*$/, "");
    if (/^(WRONGPASS|NOPERM|Unauthorized|NOAUTH)/i.test(text)) {
      return new RedisTransportError("The server refused the token: check url and token.", {
        isRetryable: false,
      });
    }
    // Redis' errors begin with a word in capitals; a gateway's do not, and the client hides the HTTP status.
    if (!/^[A-Z]{2,} /.test(text)) {
      if (/\btoo large\b/i.test(text)) return tooLarge();
      return new RedisTransportError("The server answered with an error of its own, not of Redis.", {
        isRetryable: true,
      });
    }
    return new RedisReplyError(text);
  }
  const code = (error as { cause?: { code?: unknown } } | null)?.cause?.code;
  const detail = typeof code === "string" ? ` (${code})` : "";
  return new RedisTransportError(`The request failed on its way${detail}.`, { isRetryable: true });
}

/** Status 413, from whoever tells it. */
export function tooLarge(): RedisTransportError {
  return new RedisTransportError("The server takes no request, or gives no reply, this large.", {
    status: 413,
    isRetryable: false,
  });
}
