import { expect, it } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import type { RedisReplyError } from "../../src/index.ts";

/** Scripts that never end, by name. Each takes seconds. */
export function endlessScripts(scripts: readonly (readonly [name: string, source: string])[]): void {
  it.each(scripts)("are ended where they do not end, and the store serves on: %s", async (_, script) => {
    const [store, other] = [memory(), memory()];
    await store.command(["SET", "k", "v"]);
    const { serverText } = (await store
      .command(["EVAL", script, 0])
      .catch((error: unknown) => error)) as RedisReplyError;
    expect(serverText).toMatch(/^BUSY the script ran more than \d+ instructions/);
    for (const one of [store, other]) expect(await one.command(["EVAL", "return 1", 0])).toBe(1);
    expect(await store.command(["EVAL", "return redis.call('GET', KEYS[1])", 1, "k"])).toBe("v");
  });
}
