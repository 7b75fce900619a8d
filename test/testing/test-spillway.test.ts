import { expect, it } from "vitest";
import { createTestSpillway, type TestSpillway } from "../../adapters/testing/index.ts";
import { forward } from "../../src/index.ts";

it("several lists are drained until all are empty, over failures, a crash and lost replies", async () => {
  const kit = createTestSpillway({
    lists: {
      "{shop}orders": { handler: ({ value }) => forward("{shop}mails", value) },
      "{shop}mails": {
        handler: ({ value, attempt }) => {
          if (value.id === 2 || attempt < 2) throw new Error("greylisted");
        },
        maxAttempts: 3,
      },
      "tenant:*": { handler: () => undefined, codec: { decode: ({ payload }) => payload } },
    },
  });
  await kit.push("{shop}orders", { id: 1 }, { id: 2 });
  await kit.push("tenant:ada", "a", "b");
  kit.crashAfter(1);
  kit.loseReplies(2);

  const report = await kit.drainUntilEmpty();

  expect(report).toMatchObject({ acked: 5, dead: 1, crashes: 1, lost: 2 });
  kit.expect("{shop}orders", { id: 1 }, "acked");
  kit.expect("{shop}mails", { id: 1 }, { became: "acked", attempts: 2 });
  kit.expect("{shop}mails", { id: 2 }, { became: "dead", attempts: 3, error: "greylisted" });
  kit.expect("tenant:ada", "a", "acked");
  expect(kit.outcomes("tenant:ada").map(({ payload, became }) => [payload, became])).toEqual([
    ["a", "acked"],
    ["b", "acked"],
  ]);
  expect(await kit.spillway.stats()).toMatchObject({ list: 0, dead: 1 });
});

it.each<[string, (kit: TestSpillway) => unknown]>([
  ["push of the whole, with options", (kit) => kit.spillway.push("tenant:ada", "a", { delayMs: 1_000 })],
  ["push of one list", (kit) => kit.spillway.drainOf("tenant:ada").push("a")],
])("a list of a pattern is drained too where the first message came by the %s", async (_, act) => {
  const kit = createTestSpillway({ lists: { "tenant:*": { handler: () => undefined } } });
  await act(kit);
  await kit.drainUntilEmpty();
  kit.expect("tenant:ada", "a", "acked");
});

it.each<[string, (kit: TestSpillway) => unknown]>([
  ["push", (kit) => kit.push("mails", "a")],
  ["expect", (kit) => kit.expect("mails", "a", "acked")],
  ["outcomes", (kit) => kit.outcomes("tenant:")],
])("%s of a list that there is not is refused", async (_, act) => {
  const kit = createTestSpillway({
    lists: { orders: { handler: () => undefined }, "tenant:*": { handler: () => undefined } },
  });
  await expect(async () => act(kit)).rejects.toThrow(/"list" must be one of "orders", "tenant:\*"; got/);
});

it.each<[string, object, RegExp]>([
  ["no lists", {}, /"lists" must be/],
  ["a clock", { lists: { a: { handler: () => undefined } }, clock: {} }, /"clock" must be left out/],
  ["a list's redis", { lists: { a: { handler: () => undefined, redis: {} } } }, /"lists\["a"\]\.redis"/],
])("options that are none are refused: %s", (_, options, text) => {
  expect(() => createTestSpillway(options as never)).toThrow(text);
});
