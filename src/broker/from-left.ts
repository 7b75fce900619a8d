import { sha1Hex } from "../digest.ts";
import type { ByteString, RedisCommand } from "../redis/redis-client.ts";
import type { Script } from "./evaluate.ts";
import { fromLeftLua } from "./scripts/from-left.ts";

const otherEnds: Readonly<Record<string, string>> = { LPUSH: "RPUSH", RPUSH: "LPUSH" };
const turnedScripts = new WeakMap<Script, Script>();

/**
 * A list that is consumed from its left end. Everything else takes a list for one that is consumed from its right, and only
 * what is sent is turned around: here, in one place.
 */
export class ListFromLeft {
  readonly #list: ByteString;

  constructor(list: ByteString) {
    this.#list = list;
  }

  command(command: RedisCommand): RedisCommand {
    const [name, key, ...rest] = command;
    if (key !== this.#list) return command;
    if (name === "RPOPLPUSH") return ["LMOVE", key, ...rest, "LEFT", "LEFT"];
    return [otherEnds[name as string] ?? name, key, ...rest];
  }

  /** The script as it runs on these keys. */
  script(script: Script, keys: readonly ByteString[]): Script {
    if (keys[0] !== this.#list) return script;
    let turned = turnedScripts.get(script);
    if (!turned) {
      const [, flags = "", body = ""] = /^(#!.*\n)?([\s\S]*)$/.exec(script.source) ?? [];
      const source = `${flags}${fromLeftLua}return (function()\n${body}\nend)()`;
      turned = { source, sha: sha1Hex(source) };
      turnedScripts.set(script, turned);
    }
    return turned;
  }
}
