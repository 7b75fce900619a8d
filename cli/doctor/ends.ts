import type { Check, Examination } from "./examination.ts";

/** Messages of the left end that must be as they were, or different among themselves, for the end to be known. */
const seenCount = 5;

interface Ends {
  readonly left: readonly string[];
  readonly length: number;
  readonly leases: number;
}

/**
 * Messages are taken from the right end. Who pushes there has its messages run first, and before its own earlier ones. The
 * list is looked at twice: where it has grown and its left end is the same, it grew at the right. What drains give back comes
 * there too, so nothing is said while drains are at work.
 */
export const pushedEnd: Check = {
  name: "ends",
  isOfList: true,
  async examine(examination) {
    const before = await look(examination);
    await examination.options.watch();
    const after = await look(examination);
    const grown = after.length - before.length;
    if (before.leases > 0 || after.leases > 0) {
      return { level: "skipped", text: "Drains are at work, so it cannot be seen where producers push." };
    }
    if (grown <= 0 || before.left.length === 0) {
      return {
        level: "skipped",
        text: "Nothing was pushed meanwhile, so it cannot be seen where producers push.",
      };
    }
    const isSame = before.left.every((payload, at) => payload === after.left[at]);
    if (!isSame) return { level: "ok", text: "Producers push at the left end." };
    if (new Set(before.left).size < before.left.length) {
      return { level: "skipped", text: "Messages are equal, so it cannot be seen where producers push." };
    }
    return {
      level: "problem",
      text: `${grown} messages were pushed at the right end, where they overtake all that wait.`,
      mend: 'In the producer: LPUSH in place of RPUSH. Where all producers RPUSH: consumeFrom "left" in the drain.',
    };
  },
};

async function look(examination: Examination): Promise<Ends> {
  const { list, leases } = examination.keys;
  const [left, length, count] = await examination.askAll([
    ["LRANGE", list, 0, seenCount - 1],
    ["LLEN", list],
    ["ZCARD", leases],
  ]);
  return { left: left as string[], length: Number(length), leases: Number(count) };
}
