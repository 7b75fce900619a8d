import { fromBytes, toTextExact } from "../../../src/index.ts";

/** Bytes of a payload that an answer shows. */
const shownBytesMax = 65_536;

/** A payload as JSON can hold it: its bytes where they are no text. */
export function shownPayload(
  bytes: Uint8Array,
  bytesMax = shownBytesMax,
): { payload: string; base64: string | null } {
  const raw = fromBytes(bytes.subarray(0, bytesMax));
  const isText = toTextExact(raw) !== undefined;
  return {
    payload: new TextDecoder().decode(bytes.subarray(0, bytesMax)),
    base64: isText ? null : btoa(raw),
  };
}
