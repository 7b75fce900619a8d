import { fromBytes } from "../../../src/index.ts";

/** Bytes of a payload that an answer shows. */
const shownBytesMax = 65_536;

/**
 * A payload as JSON can hold it: its bytes where they are no text. `size`: bytes of the whole, of which `bytes` may be the beginning;
 * a character that is cut through there is left out.
 */
export function shownPayload(
  bytes: Uint8Array,
  size = bytes.length,
  bytesMax = shownBytesMax,
): { payload: string; base64: string | null } {
  const shown = bytes.subarray(0, bytesMax);
  const isCut = shown.length < size;
  try {
    const strict = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });
    return { payload: strict.decode(shown, { stream: isCut }), base64: null };
  } catch {
    const payload = new TextDecoder("utf-8", { ignoreBOM: true }).decode(shown);
    return { payload, base64: btoa(fromBytes(shown)) };
  }
}
