import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import { createTestDrain } from "../../adapters/testing/index.ts";
import { createDrain, type DrainReport } from "../../src/index.ts";
import { hostileValues } from "../support/hostile-values.ts";

type Options = Parameters<typeof createTestDrain>[0];

/** Where a user's code gives a value to the drain. Add a row for another place. */
const places: readonly [name: string, options: (make: () => unknown) => object][] = [
  ["thrown by the handler", (make) => ({ handler: throwing(make) })],
  ["returned by the handler", (make) => ({ handler: make })],
  [
    "in the array of a batch handler",
    (make) => ({ batchHandler: (messages: unknown[]) => messages.map(make) }),
  ],
  ["returned by a listener", (make) => ({ handler: throwing(() => 1), on: { "message:failed": make } })],
  ["returned by retryDelay", (make) => ({ handler: throwing(() => 1), retryDelay: make })],
];

function throwing(make: () => unknown): () => never {
  return () => {
    throw make();
  };
}

function figures({ stopped, acked, retried, deadLettered, released, failures }: DrainReport): object {
  return { stopped, acked, retried, deadLettered, released, failures };
}

describe("the kit changes nothing: what comes of a hostile value is what comes of it without the kit", () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  beforeEach(() => {
    unhandled.length = 0;
    process.on("unhandledRejection", note);
  });
  afterEach(async () => {
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
  });

  it.each(places)("%s", async (_, optionsOf) => {
    for (const [name, make] of hostileValues) {
      const held = (): unknown => {
        const value = make();
        if (value instanceof Promise) value.catch(() => undefined);
        return value;
      };
      const options = { random: () => 0.5, ...optionsOf(held) } as never as Options;
      const redis = memory();
      await redis.command(["LPUSH", "test", "1", "2"]);
      const without = await createDrain({ ...options, redis, list: "test" } as never).run();
      const kit = createTestDrain(options);
      await kit.push("1", "2");
      const report = await kit.run();
      if (report === "crashed") throw new Error(`${name}: it crashed.`);
      expect(figures(report), name).toEqual(figures(without));
      // Nothing of it can be in the way of telling what became of the messages.
      expect(() => kit.expect("1", { became: "purged" }), name).toThrow(/Expected: became: "purged"/);
    }
  });
});
