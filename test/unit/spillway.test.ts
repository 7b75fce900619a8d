import { expect, it } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import { createSpillway } from "../../src/index.ts";
import { ManualClock } from "../support/manual-clock.ts";

it("a list whose turn comes late in a run still has the whole's reserve for its handlers to stop", async () => {
  const clock = new ManualClock();
  const startedAt = clock.now();
  let stoppedAt = 0;
  const spillway = createSpillway({
    redis: memory(),
    clock,
    priority: "strict",
    lists: {
      early: { prefetch: 0, concurrency: 1, reserveMs: 200, handler: () => clock.advance(100) },
      late: {
        prefetch: 0,
        reserveMs: 200,
        handler: async ({ signal }) => {
          signal.addEventListener("abort", () => {
            stoppedAt = clock.now() - startedAt;
          });
          clock.advance(350);
        },
      },
    },
  });
  await spillway.push("early", ["1", "2", "3", "4", "5", "6"]);
  await spillway.push("late", "m");
  await spillway.run({ budgetMs: 1_000 });
  expect(stoppedAt).toBe(800);
});
