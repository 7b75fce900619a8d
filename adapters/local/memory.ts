import { type RedisReply, RedisReplyError } from "../../src/index.ts";
import { checkOptions, func, type Kinds } from "../../src/internals.ts";
import type { Backend } from "./backend.ts";
import type { Status } from "./lua/script-call.ts";
import { writeReply } from "./resp2.ts";
import { Store } from "./store/store.ts";

interface MemoryOptions {
  /** The time, ms since 1970. Default: `Date.now`. */
  readonly now?: () => number;
}

const kinds = { now: func<() => number>({ default: () => Date.now() }) } satisfies Kinds<MemoryOptions>;

/**
 * A Redis in this process, for tests, demonstrations and machines with nothing installed: a `RedisClient` that the REST server can
 * use too. It keeps nothing when the process ends. Throws `OptionError` for bad options.
 */
export function memory(options: MemoryOptions = {}): Backend {
  return backendOf(new Store(checkOptions(kinds, options, "memory")));
}

/** The same over an existing store, for callers that also look into it. */
export function backendOf(store: Store): Backend {
  const stops = new Set<() => void>();
  return {
    name: "memory",
    command: async (command) => store.call(command),
    pipeline: async (commands) => commands.map((command) => attempt(() => store.call(command))),
    transaction: async (commands) => {
      // One command that cannot run discards all of them.
      for (const command of commands) store.check(command);
      return commands.map((command) => attempt(() => store.call(command)));
    },
    raw: async (commands) =>
      commands.map((command) =>
        writeReply(attempt<RedisReply | Status>(() => store.callWithStatus(command))),
      ),
    listen: async (command, listener) => {
      const stop = store.listen(command, (reply) => listener.onReply(reply));
      stops.add(stop);
      return () => {
        stops.delete(stop);
        stop();
      };
    },
    close: async () => {
      for (const stop of stops) stop();
      stops.clear();
    },
  };
}

function attempt<Reply>(run: () => Reply): Reply | RedisReplyError {
  try {
    return run();
  } catch (error) {
    if (error instanceof RedisReplyError) return error;
    throw error;
  }
}
