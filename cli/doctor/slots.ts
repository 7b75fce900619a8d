import { hashSlot } from "../../adapters/redis/hash-slot.ts";
import { toText } from "../../src/index.ts";
import type { Check } from "./examination.ts";

export const hashSlots: Check = {
  name: "slots",
  isOfList: true,
  async examine(examination) {
    const { keys, options } = examination;
    const isCluster = (await examination.info()).get("cluster_enabled") === "1";
    const { name, list, base } = keys;
    if (isCluster && !options.isCluster) {
      const text = "This Redis is a cluster, and it was asked as if it were none.";
      return {
        level: "problem",
        text,
        mend: "Add --cluster; in code: ioredis({ url, cluster: true }), or a Cluster of your own.",
      };
    }
    // `emails` and `{emails}` would have the same keys beside them.
    const twin = base === `${list}:` ? list.slice(1, -1) : `{${list}}`;
    const hasTwin = base === `{${list}}:` || base === `{${twin}}:`;
    if (hasTwin && (await examination.ask(["EXISTS", twin])) === 1) {
      return {
        level: "problem",
        text: `There is "${toText(twin)}" beside "${name}": both would have the same keys beside them.`,
        mend: "Use one of the two names alone.",
      };
    }
    return { level: "ok", text: `All keys of the list share the hash slot ${hashSlot(base)}.` };
  },
};
