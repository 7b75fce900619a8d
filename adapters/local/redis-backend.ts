import type { Redis } from "ioredis";
import { type RedisReply, RedisReplyError } from "../../src/index.ts";
import { type IoredisOptions, ioredis } from "../redis/ioredis.ts";
import type { Backend } from "./backend.ts";
import { OwnConnection } from "./own-connection.ts";
import { readReply } from "./resp2.ts";

/** A real Redis behind the REST server, over `ioredis`: takes what `ioredis` of `spillway/ioredis` takes. */
export function redisBackend(options: IoredisOptions | Redis): Backend {
  const client = ioredis(options);
  const connections = new Set<OwnConnection>();
  const connect = async (): Promise<OwnConnection> => {
    const connection = await OwnConnection.open(options);
    connections.add(connection);
    connection.onEnd(() => connections.delete(connection));
    return connection;
  };
  return {
    name: "redis",
    command: (command, request) => client.command(command, request),
    pipeline: (commands, request) => client.pipeline(commands, request),
    async transaction(commands) {
      // One write on one connection, so nothing of another request comes between.
      const replies = await client.pipeline([["MULTI"], ...commands, ["EXEC"]]);
      const outcome = replies.at(-1);
      if (outcome instanceof RedisReplyError) {
        throw replies.find((reply) => reply instanceof RedisReplyError && reply !== outcome) ?? outcome;
      }
      return outcome as RedisReply[];
    },
    async raw(commands) {
      const connection = await connect();
      try {
        return await connection.send(commands);
      } finally {
        connection.end();
      }
    },
    async listen(command, listener) {
      const connection = await connect();
      try {
        const [first] = await connection.send([command]);
        listener.onReply(readReply(first as Buffer));
      } catch (error) {
        connection.end();
        throw error;
      }
      let isStopped = false;
      connection.onReply((bytes) => listener.onReply(readReply(bytes)));
      connection.onEnd(() => {
        if (!isStopped) listener.onEnd();
      });
      return () => {
        isStopped = true;
        connection.end();
      };
    },
    close: async () => {
      await client.close();
      for (const connection of connections) connection.end();
    },
  };
}
