import { createServer, type Server } from "node:net";
import { describe, expect, it } from "vitest";
import { fromText, type RedisClient, RedisReplyError, RedisTransportError } from "../../src/index.ts";
import { type RedisUnderTest, useClient } from "../support/redis-under-test.ts";

export interface ClientUnderTest<Server> {
  /** Opens the client to that Redis. */
  open(server: Server): RedisClient | Promise<RedisClient>;
  /** Opens it to an address where something else, or nothing, listens; undefined for a client without a network. */
  openTo?: (port: number) => RedisClient;
}

/** What every `RedisClient` promises. */
export function redisClientConformance<Server>(
  name: string,
  redis: RedisUnderTest<Server>,
  { open, openTo }: ClientUnderTest<Server>,
): void {
  describe(`the ${name} client`, () => {
    const opened = useClient(redis, open);

    const payloads: [string, string][] = [
      ["a number with a point", "1.0"],
      ["JSON with spaces", '{"b":1, "a":2}'],
      ["a 20-digit number", "12345678901234567890"],
      ["the empty string", ""],
      ["a NUL", "a\0b"],
      ["an emoji", fromText("🙂")],
      ["all 256 bytes", String.fromCharCode(...Array.from({ length: 256 }, (_, at) => at))],
      ["invalid UTF-8", "\xff\xfe\xc3"],
      ["a lone surrogate's bytes", "\xed\xa0\x80"],
      ["OK", "OK"],
      ["null", "null"],
      ["a word that is valid base64", "w2w2"],
      ["a JSON string", '"quoted"'],
      ["a byte order mark", fromText("\ufeffx")],
      ["a megabyte", "x".repeat(1_048_576)],
    ];

    it.each(payloads)("carries %s to Redis and back unchanged", async (_, payload) => {
      expect(await opened().command(["LPUSH", "{t}q", payload])).toBe(1);
      expect(await opened().command(["STRLEN", "none"])).toBe(0);
      expect(await opened().command(["LRANGE", "{t}q", 0, -1])).toEqual([payload]);
      expect(await opened().command(["RPOPLPUSH", "{t}q", "{t}w"])).toBe(payload);
      expect(await opened().command(["LREM", "{t}w", 1, payload])).toBe(1);
      expect(await opened().command(["EXISTS", "{t}q", "{t}w"])).toBe(0);
    });

    it("tells nil from the empty string, and numbers from text", async () => {
      await opened().command(["SET", "empty", ""]);
      expect(await opened().command(["GET", "empty"])).toBe("");
      expect(await opened().command(["GET", "none"])).toBeNull();
      expect(await opened().command(["SET", "n", 5])).toBe("OK");
      expect(await opened().command(["GET", "n"])).toBe("5");
      expect(await opened().command(["INCR", "n"])).toBe(6);
      expect(await opened().command(["HGETALL", "none"])).toEqual([]);
      await opened().command(["HSET", "h", "f", "v"]);
      expect(await opened().command(["HGETALL", "h"])).toEqual(["f", "v"]);
      await opened().command(["ZADD", "z", 1.5, "m"]);
      expect(await opened().command(["ZRANGE", "z", 0, -1, "WITHSCORES"])).toEqual(["m", "1.5"]);
    });

    it("throws what Redis answers, with its prefix", async () => {
      await opened().command(["SET", "s", "v"]);
      await expect(opened().command(["LPUSH", "s", "nobody-may-read"])).rejects.toMatchObject({
        name: "RedisReplyError",
        prefix: "WRONGTYPE",
        message: expect.not.stringContaining("nobody-may-read"),
      });
      await expect(opened().command(["EVALSHA", "0".repeat(40), 0])).rejects.toMatchObject({
        prefix: "NOSCRIPT",
      });
    });

    it("runs a pipeline in order and keeps every result beside the errors", async () => {
      const replies = await opened().pipeline([
        ["LPUSH", "{t}q", "a"],
        ["GET", "{t}q"],
        ["LPUSH", "{t}q", "\xff"],
        ["RPOPLPUSH", "{t}q", "{t}w"],
        ["NOSUCH"],
        ["LLEN", "{t}w"],
      ]);
      expect(replies.map((reply) => (reply instanceof RedisReplyError ? reply.prefix : reply))).toEqual([
        1,
        "WRONGTYPE",
        2,
        "a",
        "ERR",
        1,
      ]);
    });

    if (openTo) {
      it("fails with a transport error worth repeating where nothing listens", async () => {
        const { port, close } = await listen(() => undefined);
        await close();
        const lost = openTo(port);
        await expect(lost.command(["PING"])).rejects.toMatchObject({
          name: "RedisTransportError",
          isRetryable: true,
        });
        await lost.close();
      });

      it("fails, and does not answer nil, where the other end never replies", async () => {
        const { port, close } = await listen(() => undefined);
        const hanging = openTo(port);
        await expect(hanging.command(["RPOP", "q"], { timeoutMs: 50 })).rejects.toThrow(RedisTransportError);
        await hanging.close();
        await close();
      });

      it("keeps payloads out of the errors of a lost connection", async () => {
        const { port, close } = await listen((end) => end());
        const broken = openTo(port);
        const error: unknown = await broken
          .command(["LPUSH", "q", "a-payload-nobody-may-read"], { timeoutMs: 2_000 })
          .catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(RedisTransportError);
        expect(`${(error as Error).stack}${JSON.stringify(error)}`).not.toContain("nobody-may-read");
        await broken.close();
        await close();
      });
    }
  });
}

/** A TCP server that is no Redis: it is told of each connection's first bytes. */
async function listen(onData: (end: () => void) => void): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<{ destroy(): void }>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("data", () => onData(() => socket.destroy()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
