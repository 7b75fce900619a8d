import { toText } from "../../src/index.ts";
import { duration } from "../moments.ts";
import type { Check, Finding } from "./examination.ts";

/** A lease that ended so long ago should have been recovered: a drain looks each minute, ms. */
const forgottenMs = 120_000;

/** Marks that keep drains away end by themselves; one that does not, or that nobody has set, does so for ever. */
export const stuckMarks: Check = {
  name: "marks",
  isOfList: true,
  async examine(examination) {
    const { busy, held, recovering, leases } = examination.keys;
    const marks = [busy, held, recovering];
    const [leaseCount, ...leftMs] = await examination.askAll([
      ["ZCARD", leases],
      ...marks.map((key) => ["PTTL", key] as const),
    ]);
    const stuck = marks.flatMap((key, at): Finding[] => {
      const left = Number(leftMs[at]);
      if (left === -1) return [stuckFinding(key, "has no end, and keeps drains away for ever")];
      // What a wake sets is there for a second.
      if (key === busy && left > 2_000 && leaseCount === 0) {
        const text = `says that drains are at work for another ${duration(left)}, and none is`;
        return [{ ...stuckFinding(key, text), level: "warning" }];
      }
      return [];
    });
    return stuck.length > 0 ? stuck : { level: "ok", text: "No mark keeps drains away that should not." };
  },
};

function stuckFinding(key: string, text: string): Finding {
  const name = toText(key);
  return { level: "problem", text: `The mark "${name}" ${text}.`, mend: `DEL ${JSON.stringify(name)}` };
}

/** Working lists without a lease, leases without a working list, and leases that nobody has recovered. */
export const orphans: Check = {
  name: "leases",
  isOfList: true,
  async examine(examination) {
    const { keys } = examination;
    const prefix = `${keys.base}working:`;
    const { found } = await examination.keysBeside();
    const lists = found.filter((key) => key.startsWith(prefix));
    const leases = (await examination.ask(["ZRANGE", keys.leases, 0, -1, "WITHSCORES"])) as string[];
    const ends = new Map<string, number>();
    for (let at = 0; at < leases.length; at += 2) ends.set(leases[at] as string, Number(leases[at + 1]));
    const name = JSON.stringify(keys.name);
    const without = lists.filter((key) => !ends.has(key.slice(prefix.length)));
    const findings: Finding[] = [];
    if (without.length > 0) {
      const some = without.slice(0, 3).map(toText).join(", ");
      const text = `${without.length} working lists have no lease, so nobody recovers their messages: ${some}.`;
      findings.push({ level: "problem", text, mend: `spillway recover ${name}` });
    }
    const now = await examination.now();
    const forgotten = [...ends.values()].filter((endsAt) => endsAt < now - forgottenMs);
    if (forgotten.length > 0) {
      const since = duration(now - Math.min(...forgotten));
      const text = `${forgotten.length} leases have ended, the first ${since} ago, and no drain has recovered them.`;
      const mend = `Look whether the schedule still runs. Meanwhile: spillway recover ${name}`;
      findings.push({ level: "problem", text, mend });
    }
    if (findings.length > 0) return findings;
    return { level: "ok", text: `${ends.size} leases, each with its working list.` };
  },
};
