import { describe, expect, it } from "vitest";
import {
  deadLetter,
  type Handler,
  type HandlerOutcome,
  idempotent,
  type Message,
  OptionError,
  type RedisClient,
} from "../../src/index.ts";
import type { Fault } from "../support/faulty-client.ts";
import { runMortal } from "./mortal.ts";
import { list, numbered, type Setup } from "./setup.ts";

/** A handler with markers is not run again for a message that it has finished. */
export function idempotentSuite(setup: Setup): void {
  const { door, make, produce } = setup;

  describe("an idempotent handler", () => {
    it("does not run a message again that it had finished when its drain died", async () => {
      await produce("a", "b", "same", "same", "c");
      const ran: string[] = [];
      const handler = idempotent((message) => void ran.push(message.payload), { ttlMs: 600_000 });

      const died = await runMortal(setup, (message) => message.payload === "c", { handler });
      expect(died).toBe("died");
      expect(ran).toEqual(["a", "b", "same", "same"]);

      expect(await make({ handler }).run()).toMatchObject({
        recovered: 1,
        acked: 5,
        finished: 4,
        stopped: "empty",
      });
      expect(ran).toEqual(["a", "b", "same", "same", "c"]);
      expect(await door.everything()).toEqual({});
    });

    it("runs equal payloads as often as they were pushed", async () => {
      const ran: string[] = [];
      const handler = idempotent((message) => void ran.push(message.payload), { ttlMs: 600_000 });
      for (let push = 0; push < 3; push++) {
        await produce("same");
        await make({ handler }).run();
      }
      expect(ran).toEqual(["same", "same", "same"]);
    });

    it("marks nothing that failed, and still acknowledges where the marker cannot be written", async () => {
      await produce("bad", "good");
      const handler = idempotent((message) => (message.payload === "bad" ? deadLetter("no") : undefined), {
        ttlMs: 600_000,
      });
      const redis = setup.faulty((_, commands) =>
        commands.some(([command]) => command === "HSET") ? "lose-request" : "none",
      );

      expect(await make({ redis, handler }).run()).toMatchObject({
        acked: 1,
        deadLettered: 1,
        error: null,
      });
      expect(Object.keys(await door.everything())).toEqual([`{${list}}:dead`]);
    });

    it.each<[string, (handler: Handler<unknown>) => object]>([
      ["in a handler", (handler) => ({ handler: (message: Message) => handler(message) })],
      [
        "in a batch handler",
        (handler) => ({ batchHandler: (all: readonly Message[]) => all.map((message) => handler(message)) }),
      ],
    ])("leaves maxRequests room for the settle where it is wrapped: %s", async (_, wrap) => {
      await produce(...numbered(30));
      const redis = setup.faulty(() => "none");
      const handler = idempotent(() => undefined, { ttlMs: 600_000 });
      const drain = make({ redis, batchSize: 30, ...wrap(handler) });
      expect(await drain.run({ maxRequests: 20 })).toMatchObject({ acked: 30, unsettled: 0, error: null });
      expect(redis.sent.length).toBeLessThanOrEqual(20);
    });

    describe.each(["strict", { byKey: () => "one" }] as const)("in the order %j", (order) => {
      const died = (message: { payload: string }): boolean => message.payload === "c";

      it.each<[string, () => HandlerOutcome | undefined, Fault]>([
        ["is a dead letter", () => deadLetter("no"), "none"],
        ["has lost its marker", () => undefined, "lose-request"],
      ])("runs none behind a message that %s before that is settled", async (_, decide, fault) => {
        await produce("a", "b", "c");
        const ran: string[] = [];
        const handler = idempotent(
          ({ payload }) => {
            ran.push(payload);
            return payload === "a" ? decide() : undefined;
          },
          { ttlMs: 600_000 },
        );
        let markers = 0;
        const client = (): RedisClient =>
          setup.faulty((_at, [command]) => (command?.[0] === "HSET" && markers++ === 0 ? fault : "none"));
        expect(await runMortal({ ...setup, client }, died, { handler, order, batchSize: 3 })).toBe("died");
        await make({ handler, order }).run();
        expect(ran).toEqual(["a", "b", "c"]);
      });
    });

    it("is refused where its promise cannot be kept", () => {
      const handler = idempotent(() => undefined, { ttlMs: 1_000 });
      expect(() => make({ engine: "plain", handler })).toThrow(OptionError);
      expect(() => idempotent(() => undefined, { ttlMs: 0 })).toThrow(OptionError);
    });
  });
}
