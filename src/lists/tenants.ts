import type { Script } from "../broker/evaluate.ts";
import { numberOf, pipelined, unlessError } from "../broker/replies.ts";
import { forgetScript } from "../broker/scripts/forget.ts";
import { fromText, toText } from "../bytes.ts";
import type { Drain } from "../create-drain.ts";
import { sha1Hex } from "../digest.ts";
import { OptionError, RedisReplyError } from "../errors.ts";
import * as limits from "../limits.ts";
import { show } from "../options/show.ts";
import type { ByteString, RedisReply } from "../redis/redis-client.ts";
import type { Sender } from "../redis/sender.ts";

/** A script, because a replica that is behind may answer a mere read. */
const existsScript = "return redis.call('EXISTS', unpack(KEYS))";
const forget: Script = { source: forgetScript, sha: sha1Hex(forgetScript) };

/**
 * Lists that come and go, whose names fit a pattern with one star. Their names stand in a register in Redis, the hash
 * `{tenant:*}:lists`. A producer writes the name after its push. A run that finds a list empty marks its name, looks at its keys
 * once more, and removes the name only if its mark still stands: a producer that pushed meanwhile writes the name again, which
 * takes the mark away. Until then the name stays in the register, so a run that dies in between leaves nothing to repair.
 */
export class Tenants {
  readonly pattern: string;
  readonly register: ByteString;
  readonly #prefix: string;
  readonly #suffix: string;

  /** Throws `OptionError` for what is no pattern. */
  constructor(pattern: string, register: ByteString) {
    const [prefix = "", suffix = "", ...more] = pattern.split("*");
    const option = `lists[${show(pattern)}]`;
    if (more.length > 0) throw new OptionError(option, "a pattern with one star", "one with more");
    if (/[{}]/.test(pattern)) throw new OptionError(option, 'a pattern without "{" and "}"', "one with them");
    this.pattern = pattern;
    this.register = register;
    this.#prefix = prefix;
    this.#suffix = suffix;
  }

  /** Whether a list of this name fits the pattern: something stands in the star's place, with no star and no brace in it. */
  fits(list: unknown): list is string {
    const least = this.#prefix.length + this.#suffix.length;
    const isText = typeof list === "string" && list.length > least && list.length <= limits.tenantCharsMax;
    return isText && !/[{}*]/.test(list) && list.startsWith(this.#prefix) && list.endsWith(this.#suffix);
  }

  /** Whether a name could fit both patterns. */
  meets(other: Tenants): boolean {
    const hasPrefix = this.#prefix.startsWith(other.#prefix) || other.#prefix.startsWith(this.#prefix);
    return hasPrefix && (this.#suffix.endsWith(other.#suffix) || other.#suffix.endsWith(this.#suffix));
  }

  /** Some of the names, at random. Names that do not fit the pattern are removed from the register, since no run would do it later. */
  async names(sender: Sender): Promise<{ readonly names: string[]; readonly isAll: boolean }> {
    const reply = await sender.command(() => ["HRANDFIELD", this.register, limits.tenantCountMax]);
    const raw: RedisReply[] = Array.isArray(reply) ? reply : [];
    const all = raw.filter((one) => typeof one === "string");
    const names = all.map(toText);
    const others = all.filter((_, at) => !this.fits(names[at]));
    // Where this is refused, the next run tries again.
    if (others.length > 0)
      await sender.pipelineOnce([["HDEL", this.register, ...others]]).catch(() => undefined);
    return { names: names.filter((one) => this.fits(one)), isAll: raw.length < limits.tenantCountMax };
  }

  /** The first names in Redis' own order, sorted: the same ones while none comes or goes. And how many more there are. */
  async first(sender: Sender): Promise<{ readonly names: string[]; readonly leftOut: number }> {
    const found = new Set<string>();
    let cursor = "0";
    // Redis may answer a page with few names, or with none.
    for (let page = 0; page < limits.tenantPagesMax && found.size < limits.tenantCountMax; page++) {
      const asked = ["HSCAN", this.register, cursor, "COUNT", limits.tenantCountMax] as const;
      const reply = await sender.command(() => asked);
      const [next, fields] = Array.isArray(reply) ? reply : [];
      if (Array.isArray(fields)) for (let at = 0; at < fields.length; at += 2) found.add(String(fields[at]));
      cursor = String(next ?? "0");
      if (cursor === "0") break;
    }
    const names = [...found]
      .map(toText)
      .filter((one) => this.fits(one))
      .sort();
    const shown = names.slice(0, limits.tenantCountMax);
    const count = cursor === "0" ? names.length : await numberOf(sender, ["HLEN", this.register]);
    return { names: shown, leftOut: Math.max(0, count - shown.length) };
  }

  /** Writes a name, after a push to its list. */
  async add(sender: Sender, list: string): Promise<void> {
    await sender.command(() => ["HSET", this.register, fromText(list), ""]);
  }

  /**
   * Removes the names of lists that have no keys, and returns those names. `mark` must be unique to this call. Nothing is sent
   * again: a mark that arrives late could cover a name that was written since.
   */
  async forget(
    sender: Sender,
    mark: string,
    lists: ReadonlyMap<string, readonly ByteString[]>,
  ): Promise<string[]> {
    const marks = [...lists.keys()].flatMap((list) => [fromText(list), mark]);
    const [marked] = await sender.pipelineOnce([["HSET", this.register, ...marks]]);
    unlessError(marked);
    const counts = await pipelined(
      sender,
      [...lists.values()].map((keys) => ["EVAL", existsScript, keys.length, ...keys]),
    );
    const empty = [...lists.keys()].filter((_, at) => counts[at] === 0);
    if (empty.length === 0) return empty;
    const args = [1, this.register, mark, ...empty.map(fromText)];
    const [reply] = await sender.pipelineOnce([["EVALSHA", forget.sha, ...args]]);
    // Redis did not know the script, so it has not run and may be sent.
    if (reply instanceof RedisReplyError && reply.prefix === "NOSCRIPT")
      unlessError((await sender.pipelineOnce([["EVAL", forget.source, ...args]]))[0]);
    else unlessError(reply);
    return empty;
  }
}

/** A drain of one such list. Those of its verbs that put messages into the list also write its name into the register. */
export function registeredDrain(drain: Drain, add: () => Promise<void>, push: Drain["push"]): Drain {
  const { deadLetters } = drain;
  return {
    ...drain,
    push,
    recover: async () => {
      const found = await drain.recover();
      if (found.recovered + found.adopted > 0) await add();
      return found;
    },
    deadLetters: {
      count: () => deadLetters.count(),
      list: (options) => deadLetters.list(options),
      show: (id) => deadLetters.show(id),
      redrive: async (options) => {
        if (options?.dryRun) return deadLetters.redrive(options);
        const redriven = await deadLetters.redrive(options).catch(async (error) => {
          // Some messages may be in the list by then.
          await add().catch(() => undefined);
          throw error;
        });
        await add();
        return redriven;
      },
      purge: (options) => deadLetters.purge(options),
    },
  };
}
