import { describe, expect, it } from "vitest";
import { useWorld } from "../workerd/world.ts";

describe("a Worker that is watched, in workerd,", () => {
  const world = useWorld();

  it("tells its listeners what happens, and OpenTelemetry of each drain, claim, handler and settle", async () => {
    const workerd = await world.start({ isWatched: true, handler: "each", failing: "bad", retryAfterMs: 1 });
    await world.push(3, "mail", "good");
    await world.push(1, "mail", "bad");
    await workerd.tick();
    await workerd.chainEnd();
    await workerd.log((line) => line.includes("drain:stopped"));
    expect((await world.done()).sort()).toEqual(["bad0", "good0", "good1", "good2"]);
    expect(await world.left()).toEqual({});

    const events = workerd.logs.filter((line) => line.includes('"event":')).map((line) => JSON.parse(line));
    expect(events.filter(({ event }) => event === "message:failed")).toMatchObject([
      { list: "mail", error: { name: "Error", message: "It fails once." } },
    ]);
    expect(events.filter(({ event }) => event === "message:retried")).toHaveLength(1);
    expect(JSON.stringify(events)).not.toContain("good0");

    const spans = workerd.logs
      .filter((line) => line.startsWith('{"told":{"span"'))
      .map((line) => JSON.parse(line).told as { span: string; parent: string | null; status: number });
    expect(new Set(spans.map(({ span }) => span))).toEqual(
      new Set(["drain mail", "receive mail", "process mail", "settle mail"]),
    );
    expect(spans.filter(({ span }) => span === "process mail")).toHaveLength(5);
    expect(spans.filter(({ span, status }) => span === "process mail" && status === 2)).toHaveLength(1);
    for (const { span, parent } of spans)
      expect([span, parent]).toEqual([span, span === "drain mail" ? null : "drain mail"]);
  });
});
