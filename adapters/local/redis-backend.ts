import type { Redis } from "ioredis";
import { type RedisReply, RedisReplyError } from "../../src/index.ts";
import { type IoredisOptions, ioredis } from "../redis/ioredis.ts";
import type { Backend } from "./backend.ts";

/** A real Redis behind the REST server, over `ioredis`: takes what `ioredis` of `spillway/ioredis` takes. */
export function redisBackend(options: IoredisOptions | Redis): Backend {
  const client = ioredis(options);
  return {
    name: "redis",
    command: (command, request) => client.command(command, request),
    pipeline: (commands, request) => client.pipeline(commands, request),
    close: () => client.close(),
    async transaction(commands) {
      // One write on one connection, so nothing of another request comes between.
      const replies = await client.pipeline([["MULTI"], ...commands, ["EXEC"]]);
      const outcome = replies.at(-1);
      if (outcome instanceof RedisReplyError) {
        throw replies.find((reply) => reply instanceof RedisReplyError && reply !== outcome) ?? outcome;
      }
      return outcome as RedisReply[];
    },
  };
}
