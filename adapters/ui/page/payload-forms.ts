/** How a payload may be shown. */
export type PayloadForm = "text" | "json" | "hex";

/** Characters, and bytes in hex, that are shown at once, and when more is asked for: a browser stands still over a whole 1 MB. */
export const shownMax = {
  text: { first: 32_768, most: 262_144 },
  json: { first: 32_768, most: 262_144 },
  hex: { first: 8_192, most: 65_536 },
} satisfies Record<PayloadForm, { first: number; most: number }>;

/** Beyond it indentation would be most of the text, and of a hostile payload all the memory there is. */
const depthMax = 100;

/** The payload as indented JSON; null where it is none. */
export function asJson(text: string): string | null {
  try {
    const value: unknown = JSON.parse(text);
    // A number of more digits than a double holds would be shown as another.
    return /\d{16}/.test(text) || depthOf(text) > depthMax ? text : JSON.stringify(value, null, 2);
  } catch {
    return null;
  }
}

function depthOf(json: string): number {
  let depth = 0;
  let most = 0;
  for (const [sign] of json.matchAll(/"(?:[^"\\]|\\.)*"|[[{\]}]/g)) {
    if (sign === "[" || sign === "{") depth += 1;
    else if (sign === "]" || sign === "}") depth -= 1;
    most = Math.max(most, depth);
  }
  return most;
}

/** Sixteen bytes a line: where they begin, each in hex, and those that can be printed. */
export function asHex(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = [...bytes.subarray(at, at + 16)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const printed = row.map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : ".")).join("");
    lines.push(`${at.toString(16).padStart(8, "0")}  ${hex.padEnd(47)}  ${printed}`);
  }
  return lines.join("\n");
}

/** What a reader would not see, or what would change the order of what is around it: by its code. */
const unseen =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about.
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Unseen characters that are shown by their codes; what comes after them is shown by one sign for all. */
const codesMax = 2_000;

/** What there is of a text that has nothing else. */
const blank = /^\s+$/;

/** A text in parts: those at odd places stand for one unseen character each, such as `U+202E`. */
export function partsOf(text: string): string[] {
  const parts: string[] = [];
  let from = 0;
  for (const match of text.matchAll(blank.test(text) ? /\s/g : unseen)) {
    if (parts.length >= 2 * codesMax) break;
    const code = match[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
    parts.push(text.slice(from, match.index), `U+${code}`);
    from = match.index + match[0].length;
  }
  parts.push(text.slice(from).replace(unseen, "·"));
  return parts;
}
