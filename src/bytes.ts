import type { ByteString } from "./redis/redis-client.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const strictDecoder = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

// biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is the fast path; NUL is as good a byte as any.
const nonAscii = /[^\x00-\x7f]/;

/** At most this many arguments go to one `String.fromCharCode` call; engines limit the stack an apply may take. */
const charCodesPerCall = 8192;

/** The UTF-8 bytes of a text, as bytes-in-a-string. A lone surrogate becomes U+FFFD, as everywhere on the web. */
export function fromText(text: string): ByteString {
  return nonAscii.test(text) ? fromBytes(encoder.encode(text)) : text;
}

/** The text of UTF-8 bytes. Invalid sequences become U+FFFD: use `toBytes` where the exact bytes matter. */
export function toText(raw: ByteString): string {
  return nonAscii.test(raw) ? decoder.decode(toBytes(raw)) : raw;
}

/** The text of UTF-8 bytes, or undefined where they are not valid UTF-8 and no text would encode to them. */
export function toTextExact(raw: ByteString): string | undefined {
  if (!nonAscii.test(raw)) return raw;
  try {
    return strictDecoder.decode(toBytes(raw));
  } catch {
    return undefined;
  }
}

/**
 * Bytes in memory of their own, as `fetch` and `crypto.subtle` take them: `Uint8Array<ArrayBuffer>`, in words that compilers
 * before TypeScript 5.7 also know.
 */
export type Bytes = ReturnType<Uint8ArrayConstructor["of"]>;

/** Bytes from bytes-in-a-string. */
export function toBytes(raw: ByteString): Bytes {
  const bytes = new Uint8Array(raw.length);
  for (let index = 0; index < raw.length; index++) bytes[index] = raw.charCodeAt(index);
  return bytes;
}

/** Bytes-in-a-string from bytes. */
export function fromBytes(bytes: Uint8Array): ByteString {
  let raw = "";
  for (let start = 0; start < bytes.length; start += charCodesPerCall) {
    raw += String.fromCharCode(...bytes.subarray(start, start + charCodesPerCall));
  }
  return raw;
}
