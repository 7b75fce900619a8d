import type { Drain } from "../create-drain.ts";
import { OptionError } from "../errors.ts";
import { checkLimit, type Limits } from "../operations/control.ts";
import { type DeadLetterChange, type DeadLetters, readSelection } from "../operations/dead-letters.ts";

const listMaxDefault = 100;

/** The dead letters of several lists: each list's in its order, and what is read ordered by when they died. */
export function shardedDeadLetters(drains: () => Promise<readonly Drain[]>): DeadLetters {
  const take = async (
    options: DeadLetterChange,
    takeOf: (letters: DeadLetters, options: DeadLetterChange) => Promise<number>,
  ): Promise<number> => {
    const { max } = readSelection(options);
    let taken = 0;
    for (const { deadLetters } of await drains()) {
      if (taken >= max) break;
      const rest = Number.isFinite(max) ? { max: max - taken } : {};
      taken += await takeOf(deadLetters, { ...options, ...rest });
    }
    return taken;
  };
  return {
    count: () => take({}, (letters) => letters.count()),
    async list(options = {}) {
      const { max, order } = readSelection(options, listMaxDefault);
      const found = [];
      for (const { deadLetters } of await drains()) found.push(...(await deadLetters.list(options)));
      const sign = order === "newest" ? -1 : 1;
      const sorted = found.sort((one, other) => sign * (one.lastFailedAt - other.lastFailedAt));
      return sorted.slice(0, max);
    },
    async show(id) {
      for (const { deadLetters } of await drains()) {
        const found = await deadLetters.show(id);
        if (found) return found;
      }
      return null;
    },
    redrive: async (options = {}) => ({
      redriven: await take(options, async (letters, rest) => (await letters.redrive(rest)).redriven),
    }),
    purge: async (options = {}) => ({
      purged: await take(options, async (letters, rest) => (await letters.purge(rest)).purged),
    }),
  };
}

/**
 * A limit of all shards: each has its share of the messages. The list itself, and shards that were, have the first's share.
 * A key is in one shard, so what it may have is the same in each.
 */
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
    async set(given) {
      const limit = checkLimit(given);
      const shards = await current();
      const all = await drains();
      const { messages } = limit ?? {};
      if (messages !== undefined && messages < shards.length) {
        const wanted = `at least one for each of ${shards.length} shards`;
        throw new OptionError("limit.messages", wanted, String(messages));
      }
      for (const drain of [...shards, ...all.filter((one) => !shards.includes(one))]) {
        const at = Math.max(0, shards.indexOf(drain));
        // Each a share, and the first few one more.
        const share = messages && Math.floor((messages + shards.length - 1 - at) / shards.length);
        await drain.limits.set(limit && share ? { ...limit, messages: share } : limit);
      }
    },
    async get() {
      const limits = await Promise.all((await current()).map((drain) => drain.limits.get()));
      const [first] = limits;
      if (!first || first.messages === undefined) return first ?? null;
      return { ...first, messages: limits.reduce((sum, limit) => sum + (limit?.messages ?? 0), 0) };
    },
  };
}
