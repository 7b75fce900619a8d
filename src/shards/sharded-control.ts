import type { Limits } from "../control.ts";
import type { Drain } from "../create-drain.ts";
import type { DeadLetters } from "../dead-letters.ts";
import { OptionError } from "../errors.ts";

const listMaxDefault = 100;

/** The dead letters of several lists: each list's in its order, and what is read ordered by when they died. */
export function shardedDeadLetters(drains: () => Promise<readonly Drain[]>): DeadLetters {
  const take = async (
    max: number | undefined,
    takeOf: (letters: DeadLetters, options: { max?: number }) => Promise<number>,
  ): Promise<number> => {
    let taken = 0;
    for (const { deadLetters } of await drains()) {
      if (max !== undefined && taken >= max) break;
      taken += await takeOf(deadLetters, max === undefined ? {} : { max: max - taken });
    }
    return taken;
  };
  return {
    count: () => take(undefined, (letters) => letters.count()),
    async list(options = {}) {
      const found = [];
      for (const { deadLetters } of await drains()) found.push(...(await deadLetters.list(options)));
      const sign = options.order === "newest" ? -1 : 1;
      const sorted = found.sort((one, other) => sign * (one.lastFailedAt - other.lastFailedAt));
      return sorted.slice(0, options.max ?? listMaxDefault);
    },
    redrive: async (options = {}) => ({
      redriven: await take(
        options.max,
        async (letters, rest) => (await letters.redrive({ ...options, ...rest })).redriven,
      ),
    }),
    purge: async (options = {}) => ({
      purged: await take(
        options.max,
        async (letters, rest) => (await letters.purge({ ...options, ...rest })).purged,
      ),
    }),
  };
}

/** A limit of all shards: each has its share of the messages. The list itself, and shards that were, have the first's share. */
export function shardedLimits(
  drains: () => Promise<readonly Drain[]>,
  countShards: () => Promise<number>,
): Limits {
  /** The shards that producers push to. */
  const current = async (): Promise<readonly Drain[]> => {
    const [shards, all] = [await countShards(), await drains()];
    return shards === 1 ? all.slice(0, 1) : all.slice(1, shards + 1);
  };
  return {
    async set(limit) {
      const shards = await current();
      const all = await drains();
      const messages: unknown = limit?.messages;
      if (limit && Number.isInteger(messages) && (messages as number) < shards.length) {
        throw new OptionError(
          "limit.messages",
          `at least one for each of ${shards.length} shards`,
          String(messages),
        );
      }
      for (const drain of [...shards, ...all.filter((one) => !shards.includes(one))]) {
        const at = Math.max(0, shards.indexOf(drain));
        // Each a share, and the first few one more.
        const share = limit && Math.floor((limit.messages + shards.length - 1 - at) / shards.length);
        await drain.limits.set(limit && share !== null ? { ...limit, messages: share } : limit);
      }
    },
    async get() {
      const limits = await Promise.all((await current()).map((drain) => drain.limits.get()));
      const [first] = limits;
      if (!first) return null;
      return { ...first, messages: limits.reduce((sum, limit) => sum + (limit?.messages ?? 0), 0) };
    },
  };
}
