import { describe, expect, it } from "vitest";
import { encodeTurnRequest, type TurnRequest, turnKeys } from "../../src/broker/turn-request.ts";
import * as limits from "../../src/limits.ts";
import { listKeys } from "../../src/redis/keys.ts";

const keys = listKeys("mail");

const whole: TurnRequest = {
  holder: "d",
  policy: {
    maxAttempts: 5,
    deadCountMax: 1_000,
    deadAgeMsMax: 2_000,
    brake: { after: 10, pauseMs: 3_000, maxPauseMs: 4_000, maxMs: 5_000 },
    batchSize: 100,
  },
  maxConcurrency: 2,
  settle: { id: "d.1", expiresAt: 8_000, mayHaveRun: false, codes: "afx", details: [250, '"reason":"no"}'] },
  claim: { id: "d.2", holdsId: "d.0", leaseMs: 9_000, countMax: 50, bytesMax: 7_000, sizeHint: 12_000 },
  recoverIds: ["dead.1"],
  looks: true,
  countsRemaining: false,
  marksBusy: "yes",
  busyUntil: 11_000,
};

const nothing = { ...whole, settle: null, claim: null, recoverIds: [] };

/** ARGV by the numbers of the script's header. */
function argument(number: number, request: TurnRequest, mayHaveRun = false): string | number | undefined {
  return encodeTurnRequest(request, mayHaveRun)[number - 1];
}

describe("the turn script's request", () => {
  it("names every key that the script may touch, in the order of the script's header", () => {
    const suffixes = ["leases", "attempts", "delayed", "dead", "brake", "busy", "control"];
    const ofBatches = ["working:d.1", "done:d.1", "working:d.2", "working:dead.1", "done:dead.1"];
    const named = [...suffixes, ...ofBatches].map((suffix) => `{mail}:${suffix}`);
    expect(turnKeys(keys, whole)).toEqual(["mail", ...named]);
    expect(turnKeys(keys, nothing)).toEqual(["mail", ...named.slice(0, 7)]);
    // If all messages are done and none has failed before, only their working list is to be deleted.
    const acked = {
      ...whole,
      claim: null,
      recoverIds: [],
      settle: whole.settle && { ...whole.settle, codes: "aaa" },
    };
    expect(turnKeys(keys, acked)).toEqual(["mail", ...named.slice(0, 8)]);
    // A run whose user may not name done-markers is told so by its first claim, before a handler runs.
    const first = { ...whole, settle: null, recoverIds: [] };
    const ofFirst = ["{mail}:working:d.2", "{mail}:done:d.2"];
    expect(turnKeys(keys, first)).toEqual(["mail", ...named.slice(0, 7), ...ofFirst]);
  });

  it("has each named field at the place that the script's header names, the details and the batches to recover last", () => {
    expect(encodeTurnRequest(whole, false)).toEqual([
      1,
      "d.1",
      8_000,
      "afx",
      "d.2",
      "d",
      "d.0",
      9_000,
      50,
      7_000,
      2,
      1,
      limits.recoverCountMax,
      limits.promoteCountMax,
      0,
      `5,1000,2000,10,3000,4000,5000,${limits.heldCountMax},100,1,11000,${limits.leaseMsMax},${limits.recoverLeasesMax},0,12000`,
      250,
      '"reason":"no"}',
      "dead.1",
    ]);
  });

  it("leaves empty what is not to be settled or claimed", () => {
    const [, ...rest] = encodeTurnRequest(nothing, true);
    expect(rest.slice(0, 8)).toEqual(["", 0, "", "", "d", "", 0, 0]);
    expect(rest).toHaveLength(15);
  });

  it.each<[string, number, Partial<TurnRequest>, string | number]>([
    ["no look around", 12, { looks: false }, 0],
    ["no look around but for what was told", 12, { looks: false, isTold: true }, 2],
    ["a count of what remains", 15, { countsRemaining: true }, 1],
    [
      "no brake",
      16,
      { policy: { ...whole.policy, brake: false } },
      `5,1000,2000,0,0,0,0,${limits.heldCountMax},100,1,11000,${limits.leaseMsMax},${limits.recoverLeasesMax},0,12000`,
    ],
    [
      "no mark",
      16,
      { marksBusy: "no", busyUntil: 0 },
      `5,1000,2000,10,3000,4000,5000,${limits.heldCountMax},100,0,0,${limits.leaseMsMax},${limits.recoverLeasesMax},0,12000`,
    ],
    [
      "a mark beside a batch that it does not name",
      16,
      { marksBusy: "beside" },
      `5,1000,2000,10,3000,4000,5000,${limits.heldCountMax},100,2,11000,${limits.leaseMsMax},${limits.recoverLeasesMax},0,12000`,
    ],
  ])("says %s in argument %d", (_, number, change, wanted) => {
    expect(argument(number, { ...whole, ...change })).toBe(wanted);
  });

  it("lets a settle take a missing lease for its own work only where an earlier sending may have run", () => {
    const again: TurnRequest = {
      ...whole,
      settle: whole.settle && { ...whole.settle, mayHaveRun: true },
    };
    const mayHaveRunOf = (numbers: string | number | undefined): string =>
      String(numbers).split(",").at(-2) ?? "";
    expect([argument(16, whole), argument(16, whole, true), argument(16, again)].map(mayHaveRunOf)).toEqual([
      "0",
      "1",
      "1",
    ]);
  });
});
