import { expect, it } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import {
  type Clock,
  createDrain,
  type Drain,
  RedisReplyError,
  RedisTransportError,
} from "../../src/index.ts";
import { ManualClock } from "../support/manual-clock.ts";

const requestTimeoutMs = 1_000;

/** Each verb outside a run, what it must answer, and the first word of the request whose reply is lost. */
const verbs: [name: string, call: (drain: Drain) => Promise<unknown>, answer: unknown][] = [
  ["deadLetters.count", (drain) => drain.deadLetters.count(), 2],
  ["deadLetters.list", async (drain) => (await drain.deadLetters.list()).length, 2],
  ["deadLetters.redrive", (drain) => drain.deadLetters.redrive(), { redriven: 2 }],
  ["deadLetters.purge", (drain) => drain.deadLetters.purge(), { purged: 2 }],
  ["recover", (drain) => drain.recover(), { recovered: 0, adopted: 0 }],
  ["peek", async (drain) => (await drain.peek()).length, 0],
  ["leases", (drain) => drain.leases(), []],
  ["stats", (drain) => drain.stats(), expect.objectContaining({ dead: 2 })],
];

const faults = ["timed out", "was refused for a moment"] as const;
const cases = faults.flatMap((fault) => verbs.map((verb) => [...verb, fault] as const));

it.each(cases)("%s repeats each request, as a run does, that %4$s", async (_, call, answer, fault) => {
  const store = memory();
  const manual = new ManualClock();
  let isFaulty = false;
  // Waits before a request is sent again are over at once.
  const clock: Clock = {
    now: () => manual.now(),
    after: (ms, callback) => {
      const cancel = manual.after(ms, callback);
      if (isFaulty) queueMicrotask(() => manual.advance(ms));
      return cancel;
    },
  };
  const lost = new Set<string>();
  /** The first sending of each request is refused, or answered too late: its time is over, and it has run. */
  const lose = async <Reply>(
    key: string,
    send: () => Promise<Reply>,
    refuse: (refusal: RedisReplyError) => Reply,
  ): Promise<Reply> => {
    const isFirst = isFaulty && !lost.has(key);
    if (isFirst) lost.add(key);
    if (isFirst && fault !== "timed out") return refuse(new RedisReplyError("TRYAGAIN The slot moves."));
    const reply = await send();
    if (!isFirst) return reply;
    manual.advance(requestTimeoutMs);
    throw new RedisTransportError("No reply.", { isRetryable: true });
  };
  const drain = createDrain({
    redis: {
      name: "slow",
      command: (command) =>
        lose(
          String(command.slice(0, 2)),
          () => store.command(command),
          (refusal) => {
            throw refusal;
          },
        ),
      pipeline: (commands) =>
        lose(
          String(commands[0]?.[0]),
          () => store.pipeline(commands),
          (refusal) => commands.map(() => refusal),
        ),
      close: () => store.close(),
    },
    list: "mail",
    requestTimeoutMs,
    maxAttempts: 1,
    brake: false,
    clock,
    handler: () => {
      throw new Error("no");
    },
  });
  await drain.push(["a", "b"]);
  await drain.run();
  isFaulty = true;
  expect(await call(drain)).toEqual(answer);
  expect(lost.size).toBeGreaterThan(0);
});
