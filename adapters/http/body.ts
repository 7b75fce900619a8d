const encoder = new TextEncoder();

/** The bytes of a body, or null where there are more than `bytesMax`: what a stranger sends is never read whole. */
export async function readBytes(
  body: ReadableStream<Uint8Array> | Uint8Array | string | null | undefined,
  bytesMax: number,
): Promise<Uint8Array<ArrayBuffer> | null> {
  if (body === null || body === undefined) return new Uint8Array();
  if (typeof body === "string" || body instanceof Uint8Array) {
    const bytes = typeof body === "string" ? encoder.encode(body) : new Uint8Array(body);
    return bytes.length > bytesMax ? null : bytes;
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > bytesMax) {
      await reader.cancel().catch(() => undefined);
      return null;
    }
    chunks.push(value);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
