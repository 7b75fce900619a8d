import type { Check, Examination } from "./examination.ts";

/** Messages of the end that producers push at that must be as they were, or different among themselves, for the end to be known. */
const seenCount = 5;

interface Ends {
  /** Those pushed last, the last one first. */
  readonly newest: readonly string[];
  readonly length: number;
  readonly leases: number;
}

/**
 * Who pushes at the end that messages are taken from has its messages run first, and before its own earlier ones. The list is
 * looked at twice: where it has grown and its other end is the same, it grew at that end. What drains give back comes there
 * too, so nothing is said while drains are at work.
 */
export const pushedEnd: Check = {
  name: "ends",
  isOfList: true,
  async examine(examination) {
    const { consumeFrom } = examination.options;
    const before = await look(examination);
    await examination.options.watch();
    const after = await look(examination);
    const grown = after.length - before.length;
    if (before.leases > 0 || after.leases > 0) {
      return { level: "skipped", text: "Drains are at work, so it cannot be seen where producers push." };
    }
    if (grown <= 0 || before.newest.length === 0) {
      return {
        level: "skipped",
        text: "Nothing was pushed meanwhile, so it cannot be seen where producers push.",
      };
    }
    const isSame = before.newest.every((payload, at) => payload === after.newest[at]);
    if (!isSame)
      return { level: "ok", text: `Producers push at the ${consumeFrom === "left" ? "right" : "left"} end.` };
    if (new Set(before.newest).size < before.newest.length) {
      return { level: "skipped", text: "Messages are equal, so it cannot be seen where producers push." };
    }
    return {
      level: "problem",
      text: `${grown} messages were pushed at the ${consumeFrom} end, where they overtake all that wait.`,
      mend:
        consumeFrom === "left"
          ? "In the producer: RPUSH in place of LPUSH."
          : 'In the producer: LPUSH in place of RPUSH; or, where it cannot be changed, drain with consumeFrom: "left".',
    };
  },
};

async function look(examination: Examination): Promise<Ends> {
  const { list, leases } = examination.keys;
  const isFromLeft = examination.options.consumeFrom === "left";
  const [end, length, count] = await examination.askAll([
    isFromLeft ? ["LRANGE", list, -seenCount, -1] : ["LRANGE", list, 0, seenCount - 1],
    ["LLEN", list],
    ["ZCARD", leases],
  ]);
  const newest = isFromLeft ? (end as string[]).reverse() : (end as string[]);
  return { newest, length: Number(length), leases: Number(count) };
}
