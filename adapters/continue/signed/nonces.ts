import { fromText, type RedisClient } from "../../../src/index.ts";
import { checkOptions, func, integer, object, required, text } from "../../../src/internals.ts";

/** Remembers which calls have been made, so that each is answered once. */
export interface NonceStore {
  /**
   * Remembers a nonce for `ttlMs` ms; true only for the first who asks. A throw means that it is not known, and the call
   * must be refused.
   */
  consume(nonce: string, ttlMs: number): Promise<boolean>;
}

/**
 * Nonces in Redis, one key each, which expires by itself: one command a call. Throws the errors of Redis; a nonce whose
 * reply was lost is spent, so the caller signs again. Throws `OptionError` for what is no `RedisClient`.
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
 * Nonces in this process: for tests, and for a drain that only ever runs in one process. Throws where more than `countMax`
 * (default: 10,000) calls are to be remembered at once.
 */
export function memoryNonces(
  options: { readonly countMax?: number; readonly now?: () => number } = {},
): NonceStore {
  const { countMax, now } = checkOptions(memoryKinds, options);
  const endOf = new Map<string, number>();
  return {
    consume: async (nonce, ttlMs) => {
      const time = now();
      if ((endOf.get(nonce) ?? time) > time) return false;
      if (endOf.size >= countMax) {
        for (const [old, end] of endOf) if (end <= time) endOf.delete(old);
      }
      // To forget one that still counts would let its call be replayed.
      if (endOf.size >= countMax) throw new Error(`More than ${countMax} nonces are in use.`);
      endOf.set(nonce, time + ttlMs);
      return true;
    },
  };
}
