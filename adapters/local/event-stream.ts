import { type RedisCommand, type RedisReply, toText } from "../../src/index.ts";
import type { Backend } from "./backend.ts";

/** How much a slow reader may leave unread, bytes: Redis' own bound for subscribers. */
const unreadBytesMax = 32 * 1024 * 1024;
const encoder = new TextEncoder();

/**
 * A subscription or `MONITOR` as server-sent events: `data: message,chat,hello`. It ends when the client goes, when the connection
 * to Redis is lost, and when more than 32 MB are unread. Rejects where Redis refuses it.
 */
export async function eventStream(
  backend: Backend,
  command: RedisCommand,
  gone: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  let stop: (() => void) | undefined;
  const end = (): void => {
    stop?.();
    try {
      controller?.close();
    } catch {
      // It was cancelled or is closed.
    }
    controller = undefined;
  };
  const strategy = new ByteLengthQueuingStrategy({ highWaterMark: 0 });
  const stream = new ReadableStream<Uint8Array>(
    {
      start: (given) => {
        controller = given;
      },
      cancel: end,
    },
    strategy,
  );
  stop = await backend.listen(command, {
    onReply: (reply) => {
      controller?.enqueue(encoder.encode(toEvent(reply)));
      if ((controller?.desiredSize ?? 0) < -unreadBytesMax) end();
    },
    onEnd: end,
  });
  gone.addEventListener("abort", end, { once: true });
  if (gone.aborted) end();
  return stream;
}

/** One event, a line of data for each line of the text. */
function toEvent(reply: RedisReply): string {
  const text = Array.isArray(reply) ? reply.map(String).join(",") : reply === "OK" ? '"OK"' : String(reply);
  return `${toText(text)
    .split(/\r\n|\r|\n/)
    .map((line) => `data: ${line}\n`)
    .join("")}\n`;
}
