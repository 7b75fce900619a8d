import { expect, it } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import {
  ack,
  byKey,
  createDrain,
  createSpillway,
  forward,
  idempotent,
  OptionError,
  reshard,
  scaleOut,
  shardOf,
} from "../../src/index.ts";
import { revoked, unreadable } from "../support/hostile-values.ts";

const redis = memory();
const handler = (): void => undefined;
const drain = createDrain({ redis, list: "mail", handler });
const spillway = createSpillway({ redis, lists: { mail: { handler } } });

/** An object with one option that may not be read. */
function withTrap(name: string): object {
  return Object.defineProperty({ handler }, name, {
    enumerable: true,
    get: () => {
      throw new Error("Not to be read.");
    },
  });
}

/** Whatever takes options, and so must refuse what cannot be read. Add a row for what is new. */
const takers: readonly [name: string, take: (options: never) => unknown][] = [
  ["createDrain", (options) => createDrain(options)],
  [
    "createDrain, its lists' shards",
    (options) => createDrain({ redis, list: "mail", handler, shards: options }),
  ],
  ["createDrain, order", (order) => createDrain({ redis, list: "mail", handler, order })],
  ["createDrain, brake", (brake) => createDrain({ redis, list: "mail", handler, brake })],
  ["createDrain, retryDelay", (retryDelay) => createDrain({ redis, list: "mail", handler, retryDelay })],
  ["createDrain, deadLetters", (deadLetters) => createDrain({ redis, list: "mail", handler, deadLetters })],
  ["createSpillway", (options) => createSpillway(options)],
  ["createSpillway, lists", (lists) => createSpillway({ redis, lists })],
  ["createSpillway, a list", (mail) => createSpillway({ redis, lists: { mail } })],
  ["createSpillway, a pattern", (one) => createSpillway({ redis, lists: { "tenant:*": one } })],
  [
    "createSpillway, priority",
    (priority) => createSpillway({ redis, lists: { mail: { handler } }, priority }),
  ],
  ["idempotent", (options) => idempotent(handler, options)],
  ["ack", (options) => ack(options)],
  ["ack, effects", (effects) => ack({ effects })],
  ["forward", (options) => forward("{mail}:next", "m", options)],
  ["byKey", (options) => byKey("a", options)],
  ["scaleOut", (options) => scaleOut(options)],
  ["shardOf", (key) => shardOf("mail", key, 2)],
  ["reshard", (options) => reshard(options)],
  ["run", (options) => drain.run(options)],
  ["run of several lists", (options) => spillway.run(options)],
  ["push", (options) => drain.push("m", options)],
  ["push to one of several lists", (options) => spillway.push("mail", "m", options)],
  ["waitForMessage", (options) => drain.waitForMessage(options)],
  ["limits.set", (options) => drain.limits.set(options)],
];

const hostile: readonly [name: string, make: () => object][] = [
  ["a proxy whose traps throw", unreadable],
  ["a revoked proxy", revoked],
  ["a promise that rejects", () => Promise.reject(new Error("Nobody waits for it."))],
];

it.each(hostile.flatMap(([what, make]) => takers.map(([name, take]) => [name, what, make, take] as const)))(
  "%s refuses %s as an option that is none",
  async (_name, _what, make, take) => {
    const taken = (async () => take(make() as never))();
    await expect(taken).rejects.toThrow(OptionError);
  },
);

it.each<[string, (options: never) => unknown]>([
  ["createDrain", (options) => createDrain(options)],
  ["createDrain with shards", (options) => createDrain(Object.assign(options, { shards: 2 }))],
  ["createSpillway", (mail) => createSpillway({ redis, lists: { mail } })],
])("%s refuses an option that may not be read", (_name, take) => {
  expect(() => take(withTrap("concurrency") as never)).toThrow(OptionError);
});
