import { fromText } from "../../src/index.ts";
import type { Check } from "./examination.ts";

/** How many shards the list has in Redis, which all its drains and producers must know. */
export const shardCount: Check = {
  name: "shards",
  isOfList: true,
  isOfWhole: true,
  async examine(examination) {
    const { shards, wholeList } = examination.options;
    const reply = await examination.ask(["HGET", fromText(`{${wholeList}}:shards`), "count"]);
    const known = reply === null ? 1 : Number(reply);
    if (known === shards)
      return {
        level: "ok",
        text: shards === 1 ? "The list has no shards." : `The list has ${shards} shards.`,
      };
    const list = JSON.stringify(wholeList);
    if (known > 1) {
      const text = `The list has ${known} shards in Redis, and this was told ${shards}.`;
      return { level: "problem", text, mend: `spillway doctor ${list} --shards ${known}` };
    }
    const text = `No drain has written yet that the list has ${shards} shards.`;
    return { level: "warning", text, mend: `spillway drain ${list} --shards ${shards}` };
  },
};
