import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type Message, OptionError, retry } from "../../src/index.ts";
import { list, type Setup } from "./setup.ts";

/** What a schema and a codec make of a payload, and of one that does not fit. */
export function decodingSuite(setup: Setup): void {
  const { door, make, produce } = setup;

  describe("a schema", () => {
    const schemas = {
      zod: z.object({ n: z.number().transform((n) => n + 1) }),
      valibot: v.pipeAsync(
        v.objectAsync({
          n: v.pipe(
            v.number(),
            v.transform((n) => n + 1),
          ),
        }),
      ),
      arktype: type({ n: type("number").pipe((n) => n + 1) }),
    };

    it.each(Object.entries(schemas))(
      "of %s gives the value, and keeps what does not fit from the handler",
      async (_, schema) => {
        await produce('{"n":1}', '{"n":"one"}', "not json");
        const values: unknown[] = [];
        const drain = make({
          schema: schema as never,
          handler: (message) => void values.push(message.value),
        });

        expect(await drain.run()).toMatchObject({ acked: 1, deadLettered: 2, retried: 0 });

        expect(values).toEqual([{ n: 2 }]);
        const [invalid, undecodable] = await drain.deadLetters.list();
        expect(invalid).toMatchObject({ payload: '{"n":"one"}', reason: "invalid", attempts: 1 });
        expect(invalid?.issues[0]?.path).toBe("n");
        expect(invalid?.error?.message).toMatch(/^The message does not fit the schema: n: ./);
        expect(undecodable).toMatchObject({ payload: "not json", reason: "undecodable" });
      },
    );

    it("keeps what does not fit from a batch handler, which gets the others", async () => {
      await produce('{"n":"one"}', '{"n":1}', '{"n":2}');
      const values: unknown[] = [];
      const drain = make({
        schema: schemas.zod as never,
        batchHandler: (messages: readonly Message<{ n: number }>[]) => {
          values.push(...messages.map(({ value }) => value.n));
          return [undefined, retry()];
        },
      });

      expect(await drain.run()).toMatchObject({ acked: 1, retried: 1, deadLettered: 1 });
      expect(values).toEqual([2, 3]);
      expect(await door.delayed(list)).toEqual(['{"n":2}']);
    });

    it("is refused when it is none", () => {
      expect(() => make({ schema: { parse: () => 1 } as never })).toThrow(OptionError);
    });
  });

  describe("a codec", () => {
    it("decodes what is not JSON, and what it cannot decode is not tried again", async () => {
      await produce("a=1", "nonsense");
      const values: unknown[] = [];
      const drain = make({
        codec: {
          decode: ({ payload }) => {
            if (!payload.includes("=")) throw new RangeError("no =");
            return payload.split("=") as never;
          },
        },
        handler: (message) => void values.push(message.value),
      });

      expect(await drain.run()).toMatchObject({ acked: 1, deadLettered: 1 });
      expect(values).toEqual([["a", "1"]]);
      expect(await drain.deadLetters.list()).toMatchObject([{ payload: "nonsense", reason: "undecodable" }]);
    });

    it("takes no others of a batch along when a batch handler reads what it cannot decode", async () => {
      await produce("1", "nonsense", "2", "more nonsense", "3");
      const seen: unknown[] = [];
      const batchHandler = (messages: readonly Message<number>[]): void => {
        const values = messages.map(({ value }) => value);
        seen.push(
          messages.map(({ attempt }) => attempt),
          values,
        );
      };
      const drain = make({ maxAttempts: 1, batchHandler });

      // The plain engine looks no more for what it has given back in the same run.
      const first = await drain.run();
      const second = await drain.run();

      expect(first).toMatchObject({ deadLettered: 2, released: 3, retried: 0 });
      expect(first.acked + second.acked).toBe(3);

      expect(seen).toEqual([
        [1, 1, 1],
        [1, 2, 3],
      ]);
      expect(await drain.deadLetters.list()).toMatchObject([
        { payload: "nonsense", reason: "undecodable" },
        { payload: "more nonsense", reason: "undecodable" },
      ]);
    });
  });
}
