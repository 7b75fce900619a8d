/** Parts shorter than this are cheaper to join than to write one by one. */
const longChars = 64;

/**
 * A JSON text that is written in parts, directly as bytes. `JSON.stringify` would search a megabyte of base64 for escapes, and each
 * step from parts to text to bytes would copy it: at 1 KB a message, a tenth of the whole work.
 */
export class JsonText {
  readonly #parts: string[] = [];
  #short = "";

  add(text: string): void {
    if (text.length < longChars) this.#short += text;
    else {
      this.#parts.push(this.#short, text);
      this.#short = "";
    }
  }

  toBytes(): Buffer<ArrayBuffer> {
    const parts = [...this.#parts, this.#short];
    let length = 0;
    for (const part of parts) length += Buffer.byteLength(part);
    const bytes = Buffer.allocUnsafe(length);
    let at = 0;
    for (const part of parts) at += bytes.write(part, at);
    return bytes;
  }
}
