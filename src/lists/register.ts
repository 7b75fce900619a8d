import type { Script } from "../broker/evaluate.ts";
import { numberOf, unlessError } from "../broker/replies.ts";
import { forgetScript } from "../broker/scripts/forget.ts";
import { fromText, toTextExact } from "../bytes.ts";
import { sha1Hex } from "../digest.ts";
import { RedisReplyError } from "../errors.ts";
import * as limits from "../limits.ts";
import type { ByteString } from "../redis/redis-client.ts";
import type { Sender } from "../redis/sender.ts";

const forget: Script = { source: forgetScript, sha: sha1Hex(forgetScript) };

/**
 * Names of lists, in a hash in Redis. Who removes a name marks it first, looks whether the list still has what the register is
 * about, and removes the name only if its mark still stands: whoever writes the name meanwhile takes the mark away.
 */
export class Register {
  readonly key: ByteString;

  constructor(key: ByteString) {
    this.key = key;
  }

  /** Writes names. */
  async add(sender: Sender, names: readonly string[]): Promise<void> {
    await sender.command(() => ["HSET", this.key, ...names.flatMap((name) => [fromText(name), ""])]);
  }

  /** The first names in Redis' own order, sorted: the same ones while none comes or goes. And how many more there are. */
  async first(sender: Sender, fits: (name: unknown) => name is string): Promise<FirstNames> {
    const found = new Set<string>();
    let cursor = "0";
    // Redis may answer a page with few names, or with none.
    for (let page = 0; page < limits.tenantPagesMax && found.size < limits.tenantCountMax; page++) {
      const asked = ["HSCAN", this.key, cursor, "COUNT", limits.tenantCountMax] as const;
      const reply = await sender.command(() => asked);
      const [next, fields] = Array.isArray(reply) ? reply : [];
      if (Array.isArray(fields)) for (let at = 0; at < fields.length; at += 2) found.add(String(fields[at]));
      cursor = String(next ?? "0");
      if (cursor === "0") break;
    }
    const all = [...found].map(toTextExact).filter(fits).sort();
    const names = all.slice(0, limits.tenantCountMax);
    const count = cursor === "0" ? all.length : await numberOf(sender, ["HLEN", this.key]);
    return { names, leftOut: Math.max(0, count - names.length) };
  }

  /** Marks names, before it is looked whether they may go. `mark` must be unique. Sent once: see `removeMarked`. */
  async mark(sender: Sender, mark: string, names: readonly string[]): Promise<void> {
    const marks = names.flatMap((name) => [fromText(name), mark]);
    unlessError((await sender.pipelineOnce([["HSET", this.key, ...marks]]))[0]);
  }

  /** Removes names whose mark still stands. Nothing is sent again: a mark that arrives late could cover a name written since. */
  async removeMarked(sender: Sender, mark: string, names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    const args = [1, this.key, mark, ...names.map(fromText)];
    const [reply] = await sender.pipelineOnce([["EVALSHA", forget.sha, ...args]]);
    // Redis did not know the script, so it has not run and may be sent.
    if (reply instanceof RedisReplyError && reply.prefix === "NOSCRIPT")
      unlessError((await sender.pipelineOnce([["EVAL", forget.source, ...args]]))[0]);
    else unlessError(reply);
  }
}

/** Some names, and how many more there are. */
export interface FirstNames {
  readonly names: string[];
  readonly leftOut: number;
}
