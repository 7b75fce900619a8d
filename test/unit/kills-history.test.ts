import { expect, it } from "vitest";
import { History } from "../prove/kills/history.ts";

/** What the audit of the kills makes of the writes of Redis. */
it("a settle that keeps a message whose handler still runs ends the others, and is no unexpected write", () => {
  const history = new History("q", "fifo");
  const script = (...commands: string[][]): void => {
    for (const command of [["MULTI"], ...commands, ["EXEC"]]) history.apply(command);
  };
  history.apply(["LPUSH", "q", "m1", "m2", "m3"]);
  script(
    ["RPOP", "q", "3"],
    ["ZADD", "{q}:leases", "1700000000000", "a.1"],
    ["LPUSH", "{q}:working:a.1", "m1", "m2", "m3"],
  );
  script(["RPUSH", "q", "m3"], ["LPUSH", "{q}:working:a.1", "m2"], ["LTRIM", "{q}:working:a.1", "0", "0"]);
  script(["DEL", "{q}:working:a.1"], ["ZREM", "{q}:leases", "a.1"]);
  history.endStep();

  expect(history.problems).toEqual([]);
  expect(["m1", "m2", "m3"].map((payload) => history.claims.get(payload)?.map(({ end }) => end))).toEqual([
    ["acked"],
    ["acked"],
    ["returned"],
  ]);
});

it("a working list that is trimmed with nothing kept is an unexpected write", () => {
  const history = new History("q", "fifo");
  history.apply(["LTRIM", "{q}:working:a.1", "0", "0"]);
  expect(history.problems).toEqual(["An unexpected write: LTRIM {q}:working:a.1."]);
});
