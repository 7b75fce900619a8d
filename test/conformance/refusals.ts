import { afterAll, describe, expect, it } from "vitest";
import { useRedisServer } from "../support/redis-under-test.ts";
import { base, list, onward, payloads, type Verb } from "./refusable-verbs.ts";
import { places, restrictedUser } from "./restricted-user.ts";

/**
 * Whatever single command a server refuses us, at whatever point of a script or pipeline, every message is in exactly one
 * place, and none that was acknowledged runs again. Which commands a verb uses is learnt from Redis itself, so that no row can
 * be forgotten when a verb changes.
 */
export function refusalsOf(verbs: readonly Verb[]): void {
  const { door, server } = useRedisServer();
  const { act, close } = restrictedUser(door, () => server().url);
  afterAll(close);

  async function expectNothingLost(verb: Verb, succeeded: readonly string[]): Promise<void> {
    const found = await places(door);
    for (const payload of payloads) {
      const where = found.get(payload) ?? [];
      const isDone = succeeded.includes(payload);
      expect(`${payload} is in ${where.length} places: ${where}`).toMatch(isDone ? / in [01] / : / in 1 /);
    }
    // The effects that have run are those of the messages that are gone, once each.
    const handled = (await door.redis.lrange(onward, 0, -1)).map((text) => text.replace(" handled", ""));
    const gone = payloads.filter((payload) => !found.has(payload));
    expect(handled.sort()).toEqual(verb.hasEffects ? gone : []);
    // Allowed everything again, and with all leases ended, the rest runs, and nothing that a handler has done does.
    await door.expireLeases(list);
    const after = await act(verb, ["~*", "+@all"]);
    const done = [...gone, ...succeeded];
    expect(after.succeeded.filter((payload) => done.includes(payload))).toEqual([]);
  }

  const commandsOf = async (verb: Verb): Promise<string[]> => {
    await verb.prepare(door);
    await door.redis.config("RESETSTAT");
    await act(verb, ["~*", "+@all"]);
    const info = await door.redis.info("commandstats");
    await door.redis.flushall();
    const names = [...info.matchAll(/^cmdstat_([^:]+):/gm)].map((match) => match[1] as string);
    const ours =
      /^(config|info|client|select|hello|auth|command|acl|keys|type|ping|quit|flushall|eval.*|reset)/;
    return names.filter((name) => !ours.test(name));
  };

  describe.each(verbs)("$name loses no message and doubles none", (verb) => {
    it("whichever of its commands is refused", async () => {
      const commands = await commandsOf(verb);
      expect(commands.length).toBeGreaterThan(2);
      for (const command of commands) {
        await verb.prepare(door);
        const { succeeded, error } = await act(verb, ["~*", "+@all", `-${command}`]);
        await expectNothingLost(verb, succeeded).catch((cause: Error) => {
          throw new Error(`With ${command} refused: ${cause.message}`);
        });
        if (error) expect(error.message, command).toMatch(/NOPERM|permission/i);
        await door.redis.flushall();
      }
    });

    const suffixes = [
      "leases",
      "attempts",
      "delayed",
      "dead",
      "brake",
      "working:*",
      "done:*",
      "working",
      "seen",
      "recovering",
      "parked",
      "due",
      "lines",
      "held",
      "rates",
    ];
    const patterns = [
      "~mail",
      ...suffixes.map((suffix) => `~${base}:${suffix}`),
      `~${onward}`,
      `~${base}:busy`,
      `~${base}:control`,
    ];

    it.each(patterns)("where its user has no right to %s", async (pattern) => {
      await verb.prepare(door);
      const { succeeded } = await act(verb, [...patterns.filter((one) => one !== pattern), "+@all"]);
      await expectNothingLost(verb, succeeded);
    });

    it.each([
      "leases",
      "attempts",
      "delayed",
      "dead",
      "brake",
      "busy",
      "control",
      "parked",
      "due",
      "lines",
      "held",
      "rates",
    ])("where %s holds another type", async (suffix) => {
      await verb.prepare(door);
      const key = `${base}:${suffix}`;
      // A key that holds messages of the verb cannot hold another type.
      if ((await door.redis.exists(key)) > 0) return;
      await door.redis.set(key, "text of somebody else");
      const { succeeded, error } = await act(verb, ["~*", "+@all"]);
      if (error) expect(error.message).toContain(`"${key}"`);
      await door.redis.del(key);
      await expectNothingLost(verb, succeeded);
    });
  });
}
