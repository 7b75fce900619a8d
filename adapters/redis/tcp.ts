import {
  type RedisCommand,
  RedisProtocolError,
  type RedisReply,
  RedisReplyError,
  RedisTransportError,
} from "../../src/index.ts";

/** Bytes-in-a-string as the TCP clients want them. */
export function commandToBuffers(command: RedisCommand): Buffer[] {
  return command.map((argument) => Buffer.from(String(argument), "latin1"));
}

/** A TCP client's reply, its Buffers as bytes-in-a-string. */
export function bytesToReply(reply: unknown): RedisReply {
  if (reply === null || reply === undefined) return null;
  if (typeof reply === "number") return reply;
  if (typeof reply === "bigint") return Number(reply);
  if (typeof reply === "string") return reply;
  if (reply instanceof Uint8Array) {
    return Buffer.from(reply.buffer, reply.byteOffset, reply.byteLength).toString("latin1");
  }
  // `EXEC` answers with an error in the place of each command that failed.
  if (Array.isArray(reply)) return reply.map(bytesToReply);
  if (reply instanceof Error) return new RedisReplyError(reply.message) as unknown as RedisReply;
  throw new RedisProtocolError(`A reply of type ${typeof reply} is not one Redis gives over RESP2.`);
}

/** Rejects with a `RedisTransportError` when no reply came in time; the command may still run. */
export async function withTimeout<Reply>(reply: Promise<Reply>, timeoutMs: number): Promise<Reply> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new RedisTransportError(`No reply within ${timeoutMs} ms.`, { isRetryable: true })),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([reply, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
