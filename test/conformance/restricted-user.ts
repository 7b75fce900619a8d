import { ioredis } from "../../adapters/redis/ioredis.ts";
import { createDrain, type DrainOptions, type HandlerOutcome, type RedisClient } from "../../src/index.ts";
import type { SideDoor } from "../support/side-door.ts";
import { list, run, type Verb } from "./refusable-verbs.ts";

/** Where each message is, and how often. */
export async function places(door: SideDoor): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  const add = (text: string, place: string): void => {
    const payload = /m\d\d$/.exec(text)?.[0];
    if (payload) found.set(payload, [...(found.get(payload) ?? []), place]);
  };
  for (const [key, value] of Object.entries(await door.everything())) {
    if (Array.isArray(value)) for (const text of value) add(String(text), key);
  }
  return found;
}

/** Acts as users with fewer rights, on one server. Close what it opens with `close`. */
export function restrictedUser(door: SideDoor, urlOf: () => string) {
  /** One for all: a user's new rights hold for the connections that it has. */
  let redis: RedisClient | undefined;

  /** Does the verb as a user with these rights, and says which messages' handlers succeeded. */
  async function act(verb: Verb, rights: readonly string[]) {
    await door.redis.call("ACL", "SETUSER", "tenant", "reset", "on", ">pass", ...rights);
    redis ??= ioredis({ url: urlOf().replace("redis://", "redis://tenant:pass@") });
    const succeeded: string[] = [];
    const drain = createDrain({
      redis,
      list,
      batchSize: 5,
      brake: false,
      retryDelay: () => 0,
      requestTimeoutMs: 2_000,
      handler: (message: { payload: string }): HandlerOutcome | undefined => {
        const outcome = verb.decide?.(message.payload);
        if (outcome === undefined || outcome.outcome === "ack with effects") succeeded.push(message.payload);
        return outcome;
      },
      ...verb.options,
    } as DrainOptions);
    const { error } = await verb.act(drain);
    return { succeeded, error };
  }

  /** Runs a drain with these rights, each time with all leases ended, and says which handlers ran. */
  async function runs(count: number, rights: readonly string[], options: Partial<DrainOptions>) {
    const ran: string[] = [];
    const given: Verb = { name: "run", prepare: async () => undefined, act: run, options };
    for (let time = 0; time < count; time++) {
      const decideAndNote = (payload: string): undefined => void ran.push(payload);
      await act({ ...given, decide: decideAndNote }, rights);
      await door.expireLeases(list);
    }
    return ran;
  }

  return { act, runs, close: () => redis?.close() };
}
