import { UnreadableBody } from "./failure.ts";

const encoder = new TextEncoder();

/** A copy of a request, to be read beside the first. Throws `UnreadableBody`. */
export function copyOf(request: Request): Request {
  try {
    return request.clone();
  } catch (cause) {
    const { url, method, headers } = request;
    // Where it is known that nothing was sent there is nothing to read.
    if (headers.get("content-length") === "0") return new Request(url, { method, headers });
    throw new UnreadableBody(cause);
  }
}

/** The bytes of a request's body, as `readBytes` reads them. Throws `UnreadableBody`. */
export async function readBody(request: Request, bytesMax: number): Promise<Uint8Array<ArrayBuffer> | null> {
  // Left untouched: Node's server then reads to its end, and otherwise cuts the connection, under the next request perhaps.
  if (Number(request.headers.get("content-length")) > bytesMax) return null;
  const body = bodyOf(request);
  try {
    return await readBytes(body, bytesMax);
  } catch (cause) {
    throw new UnreadableBody(cause);
  }
}

function bodyOf(request: Request): Request["body"] {
  try {
    if (!request.bodyUsed) return request.body;
  } catch {
    // A proxy, such as Next.js hands out, may refuse what its copy allows.
  }
  return copyOf(request).body;
}

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
  const chunks: BlobPart[] = [];
  let length = 0;
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    // A stream of texts is no body as the standard has it, and some hosts make one.
    const chunk = typeof value === "string" ? encoder.encode(value) : value;
    length += chunk.byteLength;
    // What has no length is no chunk.
    if (!(length <= bytesMax)) {
      // Not waited for: of a stream that was copied it ends only when the copy is cancelled too.
      void reader.cancel().catch(() => undefined);
      return null;
    }
    chunks.push(chunk as BlobPart);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}
