import { type Bytes, OptionError } from "../../../src/index.ts";
import { checkOptions, integer, type Kinds, object, required, text } from "../../../src/internals.ts";
import { readBytes } from "../../http/body.ts";
import { hmacKey, keyList, refuseWeakKeys } from "./keys.ts";
import type { NonceStore } from "./nonces.ts";

/** The header that carries a signature: `v1;expires=<ms since 1970>;nonce=<letters, digits, _, ->;mac=<hexadecimal>`. */
export const signatureHeader = "spillway-signature";

const headerForm = /^v1;expires=(\d{1,15});nonce=([\w-]{16,64});mac=([0-9a-f]{64})$/;
const headerCharsMax = 200;
const ttlMsDefault = 30_000;
/** How much longer a nonce is remembered than its signature is good, ms. Reason: asking for it may take as long as a request. */
const nonceMarginMs = 60_000;
const encoder = new TextEncoder();

/** The parts of a call that are signed. */
export interface SignableRequest {
  readonly method: string;
  readonly url: string | URL;
  readonly body?: string | Uint8Array;
}

export interface SignOptions {
  /** The shared secret: at least 32 bytes of UTF-8. */
  readonly key: string;
  /** When it is signed, ms since 1970. Default: now. */
  readonly now?: number;
  /** How long the signature is good for, ms, up to a day. Default: 30,000. */
  readonly ttlMs?: number;
  /** 16 to 64 letters, digits, `_` and `-`, never the same twice. Default: 128 random bits. */
  readonly nonce?: string;
}

/** A call to verify, for hosts without a `Request`. */
export interface ReceivedRequest {
  readonly method: string;
  /** Absolute, or from the path on. */
  readonly url: string;
  readonly headers: Headers | Readonly<Record<string, string | undefined>>;
  readonly body?: string | Uint8Array | null;
}

export interface VerifyOptions {
  /** The keys that are accepted, each of at least 32 bytes: one, or two while they are rotated. */
  readonly keys: readonly string[];
  /** Where calls are remembered until their signature has expired. */
  readonly nonces: NonceStore;
  /** Ms since 1970. Default: now. */
  readonly now?: number;
  /** How far the clocks of two machines may be apart, ms. Default: 5,000. */
  readonly clockSkewMs?: number;
  /** The longest time that a signature may be good for, ms. Default: 300,000. */
  readonly ttlMsMax?: number;
  /** The largest body, bytes. Default: 65,536. */
  readonly bodyBytesMax?: number;
}

export type Verification =
  | {
      readonly ok: true;
      readonly body: Bytes;
      /** Which of the keys it was. A key that is no longer used can be removed. */
      readonly keyAt: number;
    }
  | {
      readonly ok: false;
      readonly reason:
        | "unsigned"
        | "malformed"
        | "expired"
        | "expires-too-late"
        | "too-large"
        | "forged"
        | "replayed";
    };

/**
 * Signs a call: HMAC-SHA-256 over method, path with query, SHA-256 of the body, expiry and nonce. Resolves with the
 * headers to send. The host is not signed, since proxies change it: give each deployment a key of its own. Throws
 * `OptionError` for a weak key and bad options.
 */
export async function signRequest(
  request: SignableRequest,
  options: SignOptions,
): Promise<Record<string, string>> {
  const { key, now = Date.now(), ttlMs, nonce = randomNonce() } = checkOptions(signKinds, options);
  const hmac = await hmacKey("key", key);
  const expires = now + ttlMs;
  const path = signedPath(request.url);
  if (path === null) throw new OptionError("url", "a URL, or a path", JSON.stringify(request.url));
  const body = request.body ?? "";
  const bytes = typeof body === "string" ? encoder.encode(body) : new Uint8Array(body);
  const signed = await signedText(request.method, path, bytes, String(expires), nonce);
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", hmac, signed));
  return { [signatureHeader]: `v1;expires=${expires};nonce=${nonce};mac=${toHex(mac)}` };
}

/**
 * Verifies a call that `signRequest` signed, and reads its body. The nonce is checked last, so that only a caller with a key can
 * cause a command to Redis. Resolves with a reason for every call that is not valid. Throws `OptionError` for weak keys and bad
 * options, and what the nonce store or the body's stream throws.
 */
export async function verifyRequest(
  request: Request | ReceivedRequest,
  options: VerifyOptions,
): Promise<Verification> {
  const { keys, nonces, clockSkewMs, ttlMsMax, bodyBytesMax, now } = checkVerifyOptions(options);
  const clock = (): number => now ?? Date.now();
  const given = headerOf(request.headers);
  if (given === null) return { ok: false, reason: "unsigned" };
  const [, expires, nonce, mac] = (given.length <= headerCharsMax && headerForm.exec(given)) || [];
  const path = signedPath(request.url);
  if (!expires || !nonce || !mac || path === null) return { ok: false, reason: "malformed" };
  const expiresAt = Number(expires);
  const isExpired = (): boolean => expiresAt + clockSkewMs < clock();
  if (isExpired()) return { ok: false, reason: "expired" };
  if (expiresAt > clock() + ttlMsMax + clockSkewMs) return { ok: false, reason: "expires-too-late" };
  const body = await readBytes(request.body, bodyBytesMax);
  if (body === null) return { ok: false, reason: "too-large" };
  // Checked again: otherwise a caller could hold the body back until the nonce is forgotten, and so replay a call.
  if (isExpired()) return { ok: false, reason: "expired" };
  const signed = await signedText(request.method, path, body, expires, nonce);
  const keyAt = await findKey(keys, fromHex(mac), signed);
  if (keyAt < 0) return { ok: false, reason: "forged" };
  // Remembered for longer, since a machine whose clock is behind still accepts the signature when this one no longer does.
  const isFirst = await nonces.consume(nonce, expiresAt - clock() + 2 * clockSkewMs + nonceMarginMs);
  return isFirst ? { ok: true, body, keyAt } : { ok: false, reason: "replayed" };
}

const signKinds = {
  // `hmacKey` refuses a weak one.
  key: required(text({ isSecret: true, pattern: /^/ })),
  now: integer({ min: 0, max: 900_000_000_000_000 }),
  ttlMs: integer({ min: 1, max: 86_400_000, default: ttlMsDefault }),
  nonce: text({ pattern: /^[\w-]{16,64}$/, wanted: "16 to 64 letters, digits, _ and -" }),
} satisfies Kinds<SignOptions>;

const verifyKinds = {
  keys: required(keyList),
  nonces: required(
    object<NonceStore>({ methods: ["consume"], wanted: "what redisNonces(…) or memoryNonces() returns" }),
  ),
  now: integer({ min: 0 }),
  clockSkewMs: integer({ min: 0, max: 3_600_000, default: 5_000 }),
  ttlMsMax: integer({ min: 0, max: 86_400_000, default: 300_000 }),
  bodyBytesMax: integer({ min: 0, default: 65_536 }),
} satisfies Kinds<VerifyOptions>;

/** Fills in the defaults. Throws `OptionError`. */
export function checkVerifyOptions(options: VerifyOptions) {
  const checked = checkOptions(verifyKinds, options);
  refuseWeakKeys("keys", checked.keys);
  return checked;
}

/** The path and query of a URL or of a path, or null for neither. */
function signedPath(url: string | URL): string | null {
  const absolute = typeof url === "string" && url.startsWith("/") ? `http://host${url}` : url;
  if (!URL.canParse(absolute)) return null;
  const { pathname, search } = new URL(absolute);
  return `${pathname}${search}`;
}

/** The text that is signed: a JSON array of strings, so that no part can be taken for another. */
async function signedText(
  method: string,
  path: string,
  body: Uint8Array<ArrayBuffer>,
  expires: string,
  nonce: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const digest = toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", body)));
  const parts = [signatureHeader, "v1", method.toUpperCase(), path, digest, expires, nonce];
  return encoder.encode(JSON.stringify(parts));
}

/** Which key made the MAC, or -1. WebCrypto's `verify` compares in constant time. */
async function findKey(
  keys: readonly string[],
  mac: Uint8Array<ArrayBuffer>,
  text: Uint8Array<ArrayBuffer>,
): Promise<number> {
  for (const [at, key] of keys.entries()) {
    if (await crypto.subtle.verify("HMAC", await hmacKey("keys", key), mac, text)) return at;
  }
  return -1;
}

function headerOf(headers: ReceivedRequest["headers"]): string | null {
  if (isHeaders(headers)) return headers.get(signatureHeader);
  for (const [name, value] of Object.entries(headers)) {
    if (name.toLowerCase() === signatureHeader && typeof value === "string") return value;
  }
  return null;
}

/** Whether it is a `Headers`, of any realm or package; `instanceof` knows only one. */
function isHeaders(headers: ReceivedRequest["headers"]): headers is Headers {
  return typeof headers.get === "function";
}

function randomNonce(): string {
  return toHex(crypto.getRandomValues(new Uint8Array(16)));
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function fromHex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
