import type { Redis } from "ioredis";
import { SideDoor } from "./side-door.ts";

/**
 * A side door through which a list that is consumed from its left looks like one that is consumed from its right: what is
 * done to lists is turned around, and not what is done to the keys beside them.
 */
export class MirroredDoor extends SideDoor {
  override get redis(): Redis {
    const own = super.redis;
    return new Proxy(own, {
      get(_, name) {
        const turned = turnedCommands(own)[String(name)];
        const value = Reflect.get(own, name);
        if (typeof value !== "function") return value;
        return (...given: [key: unknown, ...rest: never[]]) => {
          const [key, ...rest] = given;
          return turned && isList(key) ? turned(key, ...rest) : value.apply(own, given);
        };
      },
    });
  }
}

function isList(key: unknown): key is string {
  return typeof key === "string" && !/^\{.+\}:/.test(key);
}

type Turned = (key: string, ...rest: never[]) => unknown;

function turnedCommands(redis: Redis): Readonly<Record<string, Turned>> {
  return {
    lpush: (key, ...payloads) => redis.rpush(key, ...payloads),
    rpush: (key, ...payloads) => redis.lpush(key, ...payloads),
    rpop: (key) => redis.lpop(key),
    lpop: (key) => redis.rpop(key),
    lrem: (key, count, payload) => redis.lrem(key, -count, payload),
    lrange: async (key, first: number, last: number) =>
      (await redis.lrange(key, -1 - last, -1 - first)).reverse(),
    rpoplpush: (key, other) => redis.lmove(key, other, "LEFT", "LEFT"),
  };
}
