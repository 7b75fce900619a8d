import { describe, expect, it } from "vitest";
import {
  ack,
  type BatchHandler,
  createDrain,
  deadLetter,
  type Handler,
  idempotent,
  type RedisClient,
  release,
  retry,
} from "../../src/index.ts";

// The compiler is the test: a line under an expectation of an error must not compile.
const send = async (value: unknown): Promise<{ id: number }> => ({ id: Number(value) });

const handlers: Handler<unknown>[] = [
  () => undefined,
  () => {},
  async () => {},
  async ({ value }) => {
    await send(value);
  },
  async ({ attempt, value }) => {
    if (attempt > 3) return deadLetter("no");
    if (attempt > 2) return retry({ afterMs: 5_000 });
    if (attempt > 1) return release;
    await send(value);
    return ack;
  },
  () => ack,
  () => retry(),
  ({ value }) => send(value).then(() => undefined),
  idempotent(() => undefined, { ttlMs: 60_000 }),
  // @ts-expect-error: a function is no outcome; it was to be called.
  () => retry,
  // @ts-expect-error: the same, in a promise.
  async () => deadLetter,
  // @ts-expect-error: an error is thrown, not returned.
  () => new Error("no"),
  // @ts-expect-error: SQS says it so, Spillway does not.
  async () => ({ batchItemFailures: [] }),
  // @ts-expect-error: an outcome is made by Spillway.
  () => ({ outcome: "ack" }),
  // @ts-expect-error: that is for batch handlers.
  (message) => ({ failed: [message] }),
  // @ts-expect-error: one message has one outcome.
  () => [retry()],
  // @ts-expect-error: a plain result is to be left out.
  ({ value }) => send(value),
];

const batchHandlers: BatchHandler<unknown>[] = [
  () => undefined,
  async (messages) => {
    await send(messages.length);
  },
  () => release,
  (messages) => messages.map(({ attempt }) => (attempt > 3 ? deadLetter("no") : undefined)),
  async (messages) => messages.map(() => new Error("no")),
  (messages) => Promise.allSettled(messages.map(({ value }) => send(value))),
  (messages) => messages.map(async ({ value }) => void (await send(value))),
  (messages) => ({ failed: messages.slice(1) }),
  async (messages) => ({ failed: new Map(messages.map((message) => [message, retry()])) }),
  async (messages) => ({ failed: new Map(messages.map((message) => [message, new Error("no")])) }),
  // @ts-expect-error: a function is no outcome; it was to be called.
  () => retry,
  // @ts-expect-error: the same, one for each message.
  (messages) => messages.map(() => retry),
  // @ts-expect-error: SQS says it so, Spillway does not.
  async () => ({ batchItemFailures: [] }),
  // @ts-expect-error: a list of messages is wanted.
  ([message]) => ({ failed: message }),
  // @ts-expect-error: a list of messages is wanted, not of their ids.
  (messages) => ({ failed: messages.map(({ id }) => id) }),
];

describe("the types of handlers", () => {
  it("let handlers be written as they are everywhere, and refuse what is no verdict", () => {
    const redis = { name: "none", command: fail, pipeline: fail, close: fail } as RedisClient;
    for (const handler of handlers) expect(createDrain({ redis, list: "mail", handler }).list).toBe("mail");
    for (const batchHandler of batchHandlers) createDrain({ redis, list: "mail", batchHandler });
  });
});

async function fail(): Promise<never> {
  throw new Error("Not to be called.");
}
