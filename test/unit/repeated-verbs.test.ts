import { expect, it } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import { type Clock, createDrain, type Drain, RedisTransportError } from "../../src/index.ts";
import { ManualClock } from "../support/manual-clock.ts";

const requestTimeoutMs = 1_000;

/** Each verb outside a run, what it must answer, and the first word of the request whose reply is lost. */
const verbs: [name: string, call: (drain: Drain) => Promise<unknown>, answer: unknown][] = [
  ["deadLetters.count", (drain) => drain.deadLetters.count(), 2],
  ["deadLetters.list", async (drain) => (await drain.deadLetters.list()).length, 2],
  ["deadLetters.redrive", (drain) => drain.deadLetters.redrive(), { redriven: 2 }],
  ["deadLetters.purge", (drain) => drain.deadLetters.purge(), { purged: 2 }],
  ["recover", (drain) => drain.recover(), { recovered: 0, adopted: 0 }],
  ["stats", (drain) => drain.stats(), expect.objectContaining({ dead: 2 })],
];

it.each(verbs)("%s repeats each request that timed out, as a run does", async (_, call, answer) => {
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
  /** The first sending of each request is answered too late: its time is over, and it has run. */
  const lose = async <Reply>(key: string, send: () => Promise<Reply>): Promise<Reply> => {
    const reply = await send();
    if (!isFaulty || lost.has(key)) return reply;
    lost.add(key);
    manual.advance(requestTimeoutMs);
    throw new RedisTransportError("No reply.", { isRetryable: true });
  };
  const drain = createDrain({
    redis: {
      name: "slow",
      command: (command) => lose(String(command.slice(0, 2)), () => store.command(command)),
      pipeline: (commands) => lose(String(commands[0]?.[0]), () => store.pipeline(commands)),
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
