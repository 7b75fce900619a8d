import type { Redis } from "ioredis";
import { afterAll, describe } from "vitest";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import { list, makeSetup } from "../conformance/setup.ts";
import { suites } from "../conformance/suites.ts";
import { useClient, useRedisServer } from "../support/redis-under-test.ts";
import { SideDoor } from "../support/side-door.ts";

/*
 * Each promise that a drain keeps, of a list whose next message is at the left end. The tests are those of every list, and
 * look at Redis in a mirror: what they push to the left end goes to the right one, and what they read is turned round.
 */
const redis = useRedisServer();

const otherEnd: Record<string, string> = { lpush: "rpush", rpush: "lpush", lpop: "rpop", rpop: "lpop" };

class MirrorDoor extends SideDoor {
  override get redis(): Redis {
    return new Proxy(super.redis, {
      get: (target, name: keyof Redis & string) => {
        const value = target[name];
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          const method = args[0] === list ? (otherEnd[name] ?? name) : name;
          const run = target[method as "lpush"] as (...given: unknown[]) => Promise<unknown>;
          if (args[0] !== list) return run.apply(target, args);
          if (name === "lindex") return run.call(target, list, -1 - Number(args[1]));
          if (name === "rpoplpush") return target.lmove(list, args[1] as string, "LEFT", "LEFT");
          if (name !== "lrange" && name !== "lrangeBuffer") return run.apply(target, args);
          const turned = run.call(target, list, -1 - Number(args[2]), -1 - Number(args[1]));
          return turned.then((found) => (found as unknown[]).reverse());
        };
      },
    });
  }
}

describe("a list that is consumed from its left end", () => {
  const client = useClient(redis, ({ url }) => ioredis({ url }));
  for (const engine of ["scripted", "plain"] as const) {
    describe(`with the ${engine} engine`, () => {
      const door = new MirrorDoor(() => redis.server().url);
      afterAll(() => door.close());
      const setup = makeSetup(engine, door, client);
      const make: typeof setup.make = (options) => setup.make({ consumeFrom: "left", ...options });
      for (const suite of suites[engine]) suite({ ...setup, make });
    });
  }
});
