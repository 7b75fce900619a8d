import { expect, it } from "vitest";
import { History } from "../prove/kills/history.ts";

/** The writes of one script, as the append-only file has them. */
function script(history: History, ...commands: string[][]): void {
  for (const command of [["MULTI"], ...commands, ["EXEC"]]) history.apply(command);
}

/** What the audit of the kills makes of the writes of Redis. */
it("a settle that keeps a message whose handler still runs ends the others, and is no unexpected write", () => {
  const history = new History("q", "fifo");
  history.apply(["LPUSH", "q", "m1", "m2", "m3"]);
  script(
    history,
    ["RPOP", "q", "3"],
    ["ZADD", "{q}:leases", "1700000000000", "a.1"],
    ["LPUSH", "{q}:working:a.1", "m1", "m2", "m3"],
  );
  script(
    history,
    ["RPUSH", "q", "m3"],
    ["LPUSH", "{q}:working:a.1", "m2"],
    ["LTRIM", "{q}:working:a.1", "0", "0"],
  );
  script(history, ["DEL", "{q}:working:a.1"], ["ZREM", "{q}:leases", "a.1"]);
  history.endStep();

  expect(history.problems).toEqual([]);
  expect(["m1", "m2", "m3"].map((payload) => history.claims.get(payload)?.map(({ end }) => end))).toEqual([
    ["acked"],
    ["acked"],
    ["returned"],
  ]);
});

it("a batch that comes back after its lease had ended is late, and one that its drain gives back before is not", () => {
  const history = new History("q", "fifo");
  const claim = (batch: string, payload: string, leaseEnd: number): string[][] => [
    ["RPOP", "q", "1"],
    ["ZADD", "{q}:leases", String(leaseEnd), batch],
    ["LPUSH", `{q}:working:${batch}`, payload],
  ];
  history.apply(["LPUSH", "q", "m1", "m2"]);
  script(history, ...claim("a.1", "m1", 1_300));
  script(history, ...claim("b.1", "m2", 5_300));
  // At 1,400: the lease of a.1 has ended, that of b.1 has not.
  script(
    history,
    ["RPUSH", "q", "m2", "m1"],
    ["DEL", "{q}:working:a.1"],
    ["DEL", "{q}:working:b.1"],
    ...claim("c.1", "m1", 1_700),
  );

  const lateOf = (payload: string) => history.claims.get(payload)?.map(({ end, isLate }) => [end, isLate]);
  expect(lateOf("m1")?.[0]).toEqual(["returned", true]);
  expect(lateOf("m2")).toEqual([["returned", false]]);
  expect(history.earlyReturns).toEqual(["b.1"]);
});

it("limits end with the operator's key", () => {
  const claimed = (...before: string[][]) => {
    const history = new History("q", "keyLimits");
    const payloads = [1, 6, 11, 21, 26].map((number) => `m${number}`);
    history.apply(["LPUSH", "q", ...payloads]);
    for (const command of before) history.apply(command);
    const claim = [
      ["RPOP", "q", "5"],
      ["ZADD", "{q}:leases", "1300", "a.1"],
      ["LPUSH", "{q}:working:a.1", ...payloads],
    ];
    script(history, ...claim);
    return history.problems;
  };
  expect(claimed()).toEqual([expect.stringMatching(/^5 messages of key 1 were in flight, and 4 may be/)]);
  expect(claimed(["DEL", "{q}:control"])).toEqual([]);
});

it("a working list that is trimmed with nothing kept is an unexpected write", () => {
  const history = new History("q", "fifo");
  history.apply(["LTRIM", "{q}:working:a.1", "0", "0"]);
  expect(history.problems).toEqual(["An unexpected write: LTRIM {q}:working:a.1."]);
});
