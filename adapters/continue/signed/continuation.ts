import {
  type Continuation,
  ContinuationError,
  type Declined,
  type NextDrain,
  OptionError,
  writeHop,
} from "../../../src/index.ts";
import {
  attempt,
  checkOptions,
  either,
  func,
  integer,
  isThenable,
  type Kinds,
  object,
  required,
  text,
} from "../../../src/internals.ts";
import { keyList, refuseWeakKeys } from "./keys.ts";
import { signRequest } from "./signature.ts";

export interface SignedContinuationOptions {
  /** The drain's own URL, where `POST` takes a signed hop. A function is called for each hop. */
  readonly url: string | URL | (() => string | URL);
  /** The keys, each of at least 32 bytes. The first one signs, so this may be the same list that the receiver has. */
  readonly keys: readonly string[];
  /** Longest chain, in hops. After it the schedule begins another. Default: 1,000. */
  readonly maxHops?: number;
  /** How long a signature is good for, ms, up to a day. Default: 30,000. */
  readonly ttlMs?: number;
  /** More headers, such as the one that lets a call pass a platform's deployment protection. They are not signed. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Makes the call. Default: the global `fetch`. */
  readonly fetch?: (request: Request) => Promise<Response>;
}

const kinds = {
  // `readUrl` checks what it holds.
  url: required(either(either(text(), object<URL>({ methods: ["toString"] })), func<() => string | URL>())),
  keys: required(keyList),
  maxHops: integer({ min: 0, default: 1_000 }),
  ttlMs: integer({ min: 1, max: 86_400_000 }),
  headers: object<Readonly<Record<string, string>>>({ methods: [] }),
  fetch: func<(request: Request) => Promise<Response>>(),
} satisfies Kinds<SignedContinuationOptions>;

/**
 * Goes on by calling the drain's own URL with a signature. The receiver must answer as soon as the next drain has begun, not when it
 * has ended: it needs a `waitUntil`, or a platform that answers for it. Only a call that was refused (429, 503) is repeated, with a
 * new signature: after a lost reply the next drain may be running, and a repeat would begin a second chain. Throws `OptionError`
 * for bad options.
 */
export function signedContinuation(options: SignedContinuationOptions): Continuation {
  const { url, keys, maxHops, headers } = checkOptions(kinds, options);
  refuseWeakKeys("keys", keys);
  refuseBadHeaders(headers);
  if (typeof url !== "function") readUrl(url);
  return { name: "signed", maxHops, invoke: (next) => call(options, next) };
}

/** Throws `OptionError` for bad headers. It shows none of them, since one may be a secret. */
function refuseBadHeaders(headers: Readonly<Record<string, string>> | undefined): void {
  const isGood = attempt(() => {
    // Neither would send any header.
    if (typeof headers === "function" || isThenable(headers)) throw headers;
    return new Headers(headers);
  });
  if (!isGood) throw new OptionError("headers", "names and values that a header may have", "others");
}

/** Throws `OptionError` for a bad URL. It does not show the URL, which may hold a password. */
function readUrl(given: string | URL): URL {
  const url = attempt(() => new URL(given));
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) {
    throw new OptionError(
      "url",
      "an absolute http(s) URL without a password, or a function that returns one",
      "another",
    );
  }
  return url;
}

async function call(options: SignedContinuationOptions, next: NextDrain): Promise<Declined | null> {
  const { keys, ttlMs, headers } = options;
  const url = readUrl(typeof options.url === "function" ? await options.url() : options.url);
  const send = options.fetch ?? ((request: Request) => fetch(request));
  const body = JSON.stringify(writeHop(next));
  const signed = await signRequest(
    { method: "POST", url, body },
    { key: keys[0] as string, ...(ttlMs === undefined ? {} : { ttlMs }) },
  );
  // Set, since what is given may be a `Headers`, or name one of ours in other letters.
  const sent = new Headers(headers);
  for (const [name, value] of Object.entries({ ...signed, "content-type": "application/json" }))
    sent.set(name, value);
  const response = await send(
    new Request(url, {
      method: "POST",
      headers: sent,
      body,
      // A redirect would carry the signature to another place.
      redirect: "manual",
      signal: next.signal,
    }),
  );
  await response.body?.cancel().catch(() => undefined);
  const { ok, status } = response;
  if (ok) return null;
  if (status === 508) return { declined: "The platform ended the chain: it takes it for a loop (508)." };
  const hint = status === 401 ? " Do both sides have the same keys?" : "";
  throw new ContinuationError(codeOf(status), `The signed call was answered with ${status}.${hint}`);
}

/** What a status says about the call. 500, 502 and 504 may come after the next drain has begun. */
function codeOf(status: number): ContinuationError["code"] {
  if (status === 429 || status === 503) return "continuation-refused";
  return status >= 500 ? "continuation-unknown" : "continuation-failed";
}
