import { toText } from "../../src/index.ts";
import type { ListKeys } from "../../src/internals.ts";
import type { Check, Examination, Finding } from "./examination.ts";

/** The commands that drains, pushes and operators use, each with arguments it takes; `K` stands for a key. */
const commands =
  `EXISTS K|LLEN K|LINDEX K 0|LRANGE K 0 0|LPUSH K v|RPUSH K v|RPOP K|LTRIM K 0 -1|LREM K 1 v|LSET K 0 v|DEL K
ZADD K 0 m|ZREM K m|ZCARD K|ZSCORE K m|ZRANGE K 0 0|ZRANGEBYSCORE K 0 0|ZRANGEBYLEX K - +|ZREMRANGEBYRANK K 0 0
HGET K f|HSET K f v|HDEL K f|HMGET K f|HKEYS K|HVALS K|HEXISTS K f|HINCRBY K f 1
GET K|SET K v|PTTL K|PEXPIRE K 1|TIME|SCAN 0|EVAL x 1 K|EVALSHA x 1 K`
    .split(/[|\n]/)
    .map((line) => line.split(" "));

/** The same, and what a list wants that is consumed from its left. */
const commandsFromLeft = [...commands, ["LPOP", "K"]];

export const rightsCommands: readonly string[] = commands.map(([name = ""]) => name);

/** Asks Redis what the user may do, and does none of it. Old servers cannot tell. */
const probe = `
if not redis.acl_check_cmd then return 'unknown' end
local denied = {}
for index = 1, #ARGV do
  local words = cjson.decode(ARGV[index])
  if not redis.acl_check_cmd(unpack(words)) then denied[#denied + 1] = index end
end
return denied`;

/** What the user must be allowed: every key of the list, as a pattern. */
export function rightsPatterns(keys: ListKeys): string[] {
  const glob = (key: string): string => toText(key).replace(/[\\*?[\]]/g, "\\$&");
  return [`~${glob(keys.list)}`, `~${glob(keys.base)}*`];
}

/** The rights to each command and to each key that a drain uses. */
export const rights: Check = {
  name: "rights",
  isOfList: true,
  async examine(examination) {
    const keys = keysToTry(examination.keys);
    const wanted = examination.options.consumeFrom === "left" ? commandsFromLeft : commands;
    const rows = keys.flatMap((key) => wanted.map((words) => ({ key, words })));
    const args = rows.map(({ key, words }) =>
      JSON.stringify(words.map((word) => (word === "K" ? toText(key) : word))),
    );
    const denied = await examination.ask(["EVAL", probe, 0, ...args.map(asBytes)]).catch(refusedScript);
    if (typeof denied === "object" && denied !== null && "level" in denied) return denied;
    if (!Array.isArray(denied)) {
      return { level: "skipped", text: "This server cannot say what its user may do (Redis 7 can)." };
    }
    if (denied.length === 0)
      return { level: "ok", text: "The user may use every command and key that drains use." };
    const refused = denied.map((index) => rows[Number(index) - 1]).filter((row) => row !== undefined);
    return finding(examination, refused, keys, wanted);
  },
};

async function finding(
  examination: Examination,
  refused: readonly { readonly key: string; readonly words: readonly string[] }[],
  keys: readonly string[],
  wanted: readonly (readonly string[])[],
): Promise<Finding> {
  const count = (test: (row: (typeof refused)[number]) => boolean): number => refused.filter(test).length;
  const names = wanted
    .map(([name = ""]) => name)
    .filter((name) => count(({ words }) => words[0] === name) === keys.length);
  const closedKeys = keys.filter((key) => {
    const others = wanted.filter((words) => words.includes("K") && !names.includes(words[0] ?? "")).length;
    return others > 0 && count((row) => row.key === key && !names.includes(row.words[0] ?? "")) >= others;
  });
  const user = await examination.ask(["ACL", "WHOAMI"]).catch(() => "the-user");
  const patterns = closedKeys.length > 0 || names.length === 0 ? rightsPatterns(examination.keys) : [];
  const mend = [
    "ACL SETUSER",
    String(user),
    ...names.map((name) => `+${name.toLowerCase()}`),
    ...patterns,
  ].join(" ");
  const what = [
    ...(names.length > 0 ? [`the commands ${names.join(", ")}`] : []),
    ...(closedKeys.length > 0 ? [`the keys ${closedKeys.map(toText).join(", ")}`] : []),
  ];
  return {
    level: "problem",
    text: `The user may not use ${what.join(" and ") || "some keys in full"}.`,
    mend,
  };
}

function refusedScript(error: unknown): Finding {
  if ((error as { prefix?: unknown } | null)?.prefix !== "NOPERM") throw error;
  const mend = 'ACL SETUSER … +eval +evalsha — or drain with engine: "plain", which runs no scripts.';
  return { level: "problem", text: "The user may run no scripts.", mend };
}

/** A key of each kind. The batch and the id are nobody's. */
function keysToTry({ list, base, sharedWorking, recovering, name: _, ...others }: ListKeys): string[] {
  return [
    list,
    ...Object.values(others),
    `${base}working:doctor.1`,
    `${base}done:doctor.1`,
    `${base}id:doctor`,
  ];
}

/** Key names are bytes; in JSON they went as text, and go as UTF-8. */
function asBytes(text: string): string {
  return Buffer.from(text).toString("latin1");
}
