import { expect, it } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import { createDrain, RedisTransportError } from "../../src/index.ts";

it("a settle that ran before Redis lost its scripts and its reply is known for what it was", async () => {
  const store = memory();
  await store.command(["LPUSH", "mail", "a", "b"]);
  let hasFailed = false;
  const drain = createDrain({
    redis: {
      ...store,
      command: async (command) => {
        const reply = await store.command(command);
        const isSettle = command[0] === "EVALSHA" && command.some((argument) => argument === "+");
        if (isSettle && !hasFailed) {
          hasFailed = true;
          await store.command(["SCRIPT", "FLUSH"]);
          throw new RedisTransportError("lost", { isRetryable: true });
        }
        return reply;
      },
    },
    list: "mail",
    handler: () => undefined,
  });

  expect(await drain.run({ maxMessages: 2 })).toMatchObject({ acked: 2, lostLease: 0, error: null });
  expect(hasFailed).toBe(true);
});
