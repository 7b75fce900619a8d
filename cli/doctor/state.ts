import { duration, moment } from "../moments.ts";
import type { Check, Finding } from "./examination.ts";

/** What an operator, or the brake, has told the drains of the list. */
export const held: Check = {
  name: "state",
  isOfList: true,
  async examine(examination) {
    const { control, brake, dead, delayed, name } = examination.keys;
    const [told, braked, deadCount, first] = await examination.askAll([
      ["HMGET", control, "paused", "limit", "windowMs"],
      ["HMGET", brake, "since", "until"],
      ["LLEN", dead],
      ["ZRANGE", delayed, 0, 0, "WITHSCORES"],
    ]);
    const now = await examination.now();
    const list = JSON.stringify(name);
    const [paused, limit, windowMs] = told as (string | null)[];
    const [since, until] = braked as (string | null)[];
    const dueAt = Number((first as string[])[1] ?? Number.NaN);
    const findings: Finding[] = [];
    if (paused !== null) {
      findings.push({ level: "warning", text: "The list is paused.", mend: `spillway resume ${list}` });
    }
    if (since !== null && since !== undefined && Number(until) > now) {
      const text = `The brake is on since ${moment(Number(since))}: messages fail one after another.`;
      const mend =
        "Look at what the handler needs. The next message is tried by itself: see failures in the log.";
      findings.push({ level: "problem", text, mend });
    }
    if (limit !== null) {
      const text = `At most ${limit} messages in ${windowMs} ms are claimed.`;
      findings.push({ level: "ok", text });
    }
    if (dueAt < now - 120_000) {
      const text = `A delayed message is due for ${duration(now - dueAt)}, and no drain has looked.`;
      findings.push({ level: "problem", text, mend: "Look whether the schedule still runs." });
    }
    if (Number(deadCount) > 0) {
      const text = `${deadCount} messages are dead.`;
      findings.push({ level: "warning", text, mend: `spillway dead list ${list}` });
    }
    return findings.length > 0 ? findings : { level: "ok", text: "Not paused, no brake, no dead letters." };
  },
};
