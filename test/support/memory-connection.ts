import { type Command, Redis } from "ioredis";
import type { RedisClient } from "../../src/index.ts";

/** ioredis' commands, run by a client in this process instead of over a socket. */
export class MemoryConnection extends Redis {
  readonly #client: RedisClient;

  constructor(client: RedisClient) {
    super({ lazyConnect: true, protocol: 2 });
    this.#client = client;
  }

  override sendCommand(command: Command): unknown {
    const args = command.args.map((arg) => toBuffer(arg).toString("latin1"));
    this.#client.command([command.name, ...args]).then(
      (reply) => command.resolve(toReply(reply)),
      (error: Error) => command.reject(error),
    );
    return command.promise;
  }
}

function toBuffer(argument: unknown): Buffer {
  return Buffer.isBuffer(argument) ? argument : Buffer.from(String(argument));
}

/** As ioredis reads replies from the socket: every text as bytes. */
function toReply(reply: unknown): unknown {
  if (Array.isArray(reply)) return reply.map(toReply);
  return typeof reply === "string" ? Buffer.from(reply, "latin1") : reply;
}
