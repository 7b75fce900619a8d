import { expect } from "vitest";
import type { Drain, RunOptions } from "../../src/index.ts";
import type { SideDoor } from "./side-door.ts";

/** How often each message was handled. */
export class HandledCounts {
  readonly counts = new Map<string, number>();

  note(payload: string): void {
    this.counts.set(payload, (this.counts.get(payload) ?? 0) + 1);
  }

  /** Each of `count` messages once, and nothing left in Redis but nonces, which expire. */
  async expectOnceEach(count: number, door: SideDoor): Promise<void> {
    expect(this.counts.size).toBe(count);
    expect([...this.counts.values()].filter((times) => times !== 1)).toEqual([]);
    expect(leftIn(await door.everything())).toEqual([]);
  }
}

/** The keys in Redis but for nonces, which expire. */
export function leftIn(everything: Record<string, unknown>): string[] {
  return Object.keys(everything).filter((key) => !key.startsWith("spillway:nonce:"));
}

/** Pushes `count` different messages past Spillway. */
export async function pushNumbered(door: SideDoor, list: string, count: number): Promise<void> {
  for (let from = 0; from < count; from += 1_000) {
    const payloads = Array.from({ length: Math.min(1_000, count - from) }, (_, at) => `{"n":${from + at}}`);
    await door.redis.lpush(list, ...payloads);
  }
}

/** The drain with a few requests for each run, so that each hop does a little, however fast the machine is. */
export function ofFewRequests(drain: Drain, maxRequests: number): Drain {
  return {
    list: drain.list,
    deadLetters: drain.deadLetters,
    recover: () => drain.recover(),
    stats: () => drain.stats(),
    push: (payloads) => drain.push(payloads),
    run: (options?: RunOptions) => drain.run({ ...options, maxRequests }),
  };
}
