import { describe, expect, it } from "vitest";
import { samplesOf } from "../docs/samples.ts";
import { useCommandLine } from "../support/command-line.ts";
import { testToken } from "../support/redis.ts";
import { useRestServer } from "../support/redis-under-test.ts";

const commands = samplesOf("docs/operations.md")
  .filter(({ language }) => language === "sh")
  .flatMap(({ code }) => code.split("\n"))
  .filter((line) => line.startsWith("npx spillway "))
  .map((line) => line.replace(/ +#.*$/, "").replace("npx spillway ", ""));

describe("the page for 3 am: each command does its work on a list with a bit of everything", () => {
  const { run } = useCommandLine();
  const served = useRestServer();

  it("has commands", () => expect(commands.length).toBeGreaterThan(15));

  it.each([...new Set(commands)])("spillway %s", async (command) => {
    const { redis } = served.door;
    await redis.lpush("emails", "waits", "waits too");
    await redis.zadd("{emails}:delayed", Date.now() + 3_600_000, "some-id:failed once");
    await redis.lpush("{emails}:working:gone.1", "in flight");
    await redis.zadd("{emails}:leases", 1, "gone.1");
    const letter = { id: "l1", reason: "exhausted", attempts: 5, lastFailedAt: 1_700_000_000_000 };
    await redis.lpush("{emails}:dead", `${JSON.stringify(letter)}\nits payload`);

    const { code, output } = await run(command.split(" "), {
      UPSTASH_REDIS_REST_URL: served.server().url,
      UPSTASH_REDIS_REST_TOKEN: testToken,
    });

    // The doctor finds what this list has: a lease that ended long ago.
    const isFinding = command.startsWith("doctor") && code === 1;
    expect([isFinding ? 0 : code, output]).toEqual([0, expect.stringMatching(/\S/)]);
    const held = await served.door.everything();
    const count = Object.values(held).flat().length;
    expect(count).toBeGreaterThan(0);
  });
});
