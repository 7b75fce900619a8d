import { fromText, type RedisClient } from "../../../src/index.ts";
import { checkOptions, func, integer, object, required, text } from "../../../src/internals.ts";

/** Remembers which calls have been taken, so that each is taken only once. */
export interface NonceStore {
  /**
   * Remembers a nonce for `ttlMs` ms. Resolves with true only the first time. A throw means that this is not known, and then the
   * call must be refused.
   */
  consume(nonce: string, ttlMs: number): Promise<boolean>;
}

/**
 * Nonces in Redis, one key each, with an expiry: one command for each call. `consume` throws the Redis errors; where a reply was
 * lost, the nonce is spent and the caller must sign again. Throws `OptionError` for what is no `RedisClient`.
 */
export function redisNonces(redis: RedisClient, options: { readonly prefix?: string } = {}): NonceStore {
  checkOptions({ redis: required(object({ methods: ["command"] })) }, { redis });
  const { prefix } = checkOptions({ prefix: text({ default: "spillway:nonce:" }) }, options);
  return {
    consume: async (nonce, ttlMs) => {
      const key = fromText(`${prefix}${nonce}`);
      return (await redis.command(["SET", key, "", "NX", "PX", Math.max(1, Math.ceil(ttlMs))])) === "OK";
    },
  };
}

const memoryKinds = {
  countMax: integer({ min: 1, default: 10_000 }),
  now: func<() => number>({ default: () => Date.now() }),
};

/**
 * Nonces in this process: for tests, and for a drain that only ever runs in one process. `consume` throws where more than
 * `countMax` nonces (default: 10,000) would have to be remembered.
 */
export function memoryNonces(
  options: { readonly countMax?: number; readonly now?: () => number } = {},
): NonceStore {
  const { countMax, now } = checkOptions(memoryKinds, options);
  const endOf = new Map<string, number>();
  return {
    consume: async (nonce, ttlMs) => {
      const time = now();
      // Written like this, a clock that gives no number lets nothing be replayed.
      if (endOf.has(nonce) && !((endOf.get(nonce) as number) <= time)) return false;
      if (endOf.size >= countMax) {
        for (const [old, end] of endOf) if (end <= time) endOf.delete(old);
      }
      // Forgetting a nonce too soon would let its call be replayed.
      if (endOf.size >= countMax) throw new Error(`More than ${countMax} nonces are in use.`);
      endOf.set(nonce, time + ttlMs);
      return true;
    },
  };
}
