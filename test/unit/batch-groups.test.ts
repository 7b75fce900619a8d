import { describe, expect, it } from "vitest";
import type { ProcessorOptions } from "../../src/handling/processor.ts";
import type { BatchBy, Message } from "../../src/index.ts";
import { processAll } from "../support/process-all.ts";

const parity: BatchBy<unknown> = ({ payload }) => (Number(payload) % 2 === 0 ? "even" : "odd");

/** Runs a batch of `"0"`, `"1"` and so on, and says which calls the batch handler got. */
async function callsOf(count: number, options: Partial<ProcessorOptions>) {
  const calls: [key: string | undefined, payloads: string][] = [];
  const processed = await processAll(count, {
    batchHandler: (messages, { key }) => {
      calls.push([key, messages.map(({ payload }) => payload).join("")]);
    },
    ...options,
  });
  return { calls, kinds: processed.outcomes.map(({ kind }) => kind), failures: processed.failures };
}

describe("batchBy", () => {
  it("gives the batch handler a group at a time, in the order of their first messages", async () => {
    const { calls, kinds } = await callsOf(5, { batchBy: parity });
    expect(calls).toEqual([
      ["even", "024"],
      ["odd", "13"],
    ]);
    expect(kinds).toEqual(Array(5).fill("ack"));
  });

  it("makes no group larger than it says", async () => {
    const sized: BatchBy<unknown> = async (message) => ({
      key: (await parity(message)) as string,
      size: Number(message.payload) % 2 === 0 ? 2 : 1,
    });
    const { calls } = await callsOf(6, { batchBy: sized, concurrency: 1 });
    expect(calls).toEqual([
      ["even", "02"],
      ["odd", "1"],
      ["odd", "3"],
      ["even", "4"],
      ["odd", "5"],
    ]);
  });

  it("without it, all messages are one group of no key", async () => {
    expect((await callsOf(3, {})).calls).toEqual([[undefined, "012"]]);
  });

  it("fails the group alone whose call throws", async () => {
    const batchHandler = (messages: readonly Message[]): void => {
      if (messages[0]?.payload === "1") throw new Error("down");
    };
    const { kinds } = await callsOf(4, { batchBy: parity, batchHandler });
    expect(kinds).toEqual(["ack", "retry", "ack", "retry"]);
  });

  it("runs as many groups at once as concurrency allows", async () => {
    let running = 0;
    let most = 0;
    const batchHandler = async (): Promise<void> => {
      running += 1;
      most = Math.max(most, running);
      await Promise.resolve();
      running -= 1;
    };
    await callsOf(10, { batchBy: ({ payload }) => payload, batchHandler, concurrency: 3 });
    expect(most).toBe(3);
  });

  // What names no group: add a row.
  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["a number", 5],
    ["a key that is no text", { key: 5 }],
    ["a size of 0", { key: "a", size: 0 }],
    ["a size of 1.5", { key: "a", size: 1.5 }],
    ["a size of 1e21", { key: "a", size: 1e21 }],
    ["a size that is no number", { key: "a", size: "1" }],
  ])("fails the message alone for which it gives %s", async (_what, given) => {
    const batchBy = ((message: Message) => (message.payload === "1" ? given : "a")) as never;
    const { calls, kinds, failures } = await callsOf(3, { batchBy });
    expect(calls).toEqual([["a", "02"]]);
    expect(kinds).toEqual(["ack", "retry", "ack"]);
    expect(failures[0]?.error).toMatchObject({ code: "handler-outcome" });
  });
});
