import { type RedisReply, toText } from "../../src/index.ts";
import type { ListKeys } from "../../src/internals.ts";
import type { Check } from "./examination.ts";

/** The types of the list's keys, by what their names end with. A key with a name of its own is one of a kind. */
const types: readonly (readonly [suffix: RegExp, type: string])[] = [
  [/^working(:.+)?$|^dead$/, "list"],
  [/^(leases|delayed|parked|due|drains)$/, "zset"],
  [/^(attempts|brake|control|lines|rates|seen|shards|lists|done:.+)$/, "hash"],
  [/^(busy|held|recovering|id:.+|nonce:.+)$/, "string"],
];

/** The type that a key of the list must have; undefined for one that is none of ours. */
export function typeOf(keys: ListKeys, key: string): string | undefined {
  if (key === keys.list) return "list";
  const suffix = key.slice(keys.base.length);
  return types.find(([pattern]) => pattern.test(suffix))?.[1];
}

export const keyTypes: Check = {
  name: "types",
  isOfList: true,
  async examine(examination) {
    const { keys } = examination;
    const { found } = await examination.keysBeside();
    const ours = [keys.list, ...found.filter((key) => typeOf(keys, key) !== undefined)];
    const replies: RedisReply[] = await examination.askAll(ours.map((key) => ["TYPE", key]));
    const wrong = ours.flatMap((key, at) => {
      const wanted = typeOf(keys, key);
      const type = String(replies[at]);
      return type === "none" || type === wanted ? [] : [{ key: toText(key), type, wanted }];
    });
    if (wrong.length === 0) return { level: "ok", text: "Every key of the list has its type." };
    return wrong.map(({ key, type, wanted }) => ({
      level: "problem",
      text: `"${key}" holds a ${type}, and must be a ${wanted}: somebody else's key.`,
      mend: `RENAME ${JSON.stringify(key)} ${JSON.stringify(`elsewhere:${key}`)}`,
    }));
  },
};

export const unknownKeys: Check = {
  name: "keys",
  isOfList: true,
  async examine(examination) {
    const { keys } = examination;
    const { found, isWhole } = await examination.keysBeside();
    const unknown = found.filter((key) => typeOf(keys, key) === undefined && key !== keys.list).map(toText);
    const part = isWhole ? "" : " Not all keys of this Redis were looked at.";
    if (unknown.length === 0)
      return { level: "ok", text: `No key beside the list is somebody else's.${part}` };
    const some = unknown.slice(0, 5).join(", ");
    return {
      level: "warning",
      text: `${unknown.length} keys begin as the list's own do, and are none of ours: ${some}.${part}`,
      mend: "Give them other names: a later version may use these. Nothing is done to them now.",
    };
  },
};
