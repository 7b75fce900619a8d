import { shortened, visible } from "./safe-text.ts";

/** Characters of a payload that a line of a table has. */
const lineCharsMax = 60;

/** A payload for a line of a table. */
export function payloadLine(payload: string): string {
  return visible(shortened(payload, lineCharsMax));
}

/** A payload as JSON has it: as text, and where that is not all of it, its exact bytes. */
export function payloadJson(payload: string, bytes: Uint8Array): { payload: string; base64?: string } {
  const isExact = Buffer.from(payload, "utf8").equals(bytes);
  return isExact ? { payload } : { payload, base64: Buffer.from(bytes).toString("base64") };
}

/** A payload in full: as text where it is text, else its bytes in hexadecimal, 16 a line. */
export function payloadBlock(payload: string, bytes: Uint8Array, isHex: boolean): string[] {
  if (!isHex && Buffer.from(payload, "utf8").equals(bytes)) return payload.split("\n").map(visible);
  const lines: string[] = [];
  for (let start = 0; start < bytes.length; start += 16) {
    const line = Buffer.from(bytes.subarray(start, start + 16));
    const text = line.toString("latin1").replace(/[^\x20-\x7e]/g, ".");
    const hex = line.toString("hex").replace(/../g, "$& ");
    lines.push(`${start.toString(16).padStart(8, "0")}  ${hex.padEnd(48)} ${text}`);
  }
  return lines;
}
