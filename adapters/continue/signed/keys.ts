import { OptionError } from "../../../src/index.ts";
import { object } from "../../../src/internals.ts";

const keyBytesMin = 32;
/** A list of keys, of which `refuseWeakKeys` looks at each. */
export const keyList = object<readonly string[]>({ methods: ["entries"], wanted: "a list of keys" });
const encoder = new TextEncoder();

/**
 * Throws `OptionError` for a list of keys that is empty, or holds one of fewer than 32 bytes or with white space at its ends;
 * the error does not show the key.
 */
export function refuseWeakKeys(option: string, keys: readonly string[]): void {
  if (!Array.isArray(keys) || keys.length === 0) {
    throw new OptionError(option, "at least one key", "none");
  }
  for (const key of keys) {
    const length = typeof key === "string" ? encoder.encode(key).length : 0;
    if (length < keyBytesMin) {
      throw new OptionError(option, `of at least ${keyBytesMin} bytes each`, `one of ${length} bytes`);
    }
    if (key.trim() !== key) {
      throw new OptionError(option, "keys without white space at their ends", "one with it");
    }
  }
}

/** The key for WebCrypto. Throws `OptionError` for a weak one. */
export async function hmacKey(option: string, key: string): Promise<CryptoKey> {
  refuseWeakKeys(option, [key]);
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return crypto.subtle.importKey("raw", encoder.encode(key), algorithm, false, ["sign", "verify"]);
}
