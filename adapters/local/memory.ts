import { type RedisReply, RedisReplyError } from "../../src/index.ts";
import type { Backend } from "./backend.ts";
import { Store } from "./store/store.ts";

/**
 * A Redis in this process, for tests, demonstrations and machines with nothing installed: a `RedisClient` that also
 * stands behind the REST server. It keeps nothing when the process ends.
 */
export function memory(options: { now?: () => number } = {}): Backend {
  const store = new Store({ now: options.now ?? Date.now });
  const attempt = (command: readonly [string, ...(string | number)[]]): RedisReply | RedisReplyError => {
    try {
      return store.call(command);
    } catch (error) {
      if (error instanceof RedisReplyError) return error;
      throw error;
    }
  };
  return {
    name: "memory",
    command: async (command) => store.call(command),
    pipeline: async (commands) => commands.map(attempt),
    transaction: async (commands) => {
      // One command that cannot run discards them all.
      for (const command of commands) store.check(command);
      return commands.map(attempt);
    },
    close: async () => undefined,
  };
}
