import { pipelined } from "../broker/replies.ts";
import { toTextExact } from "../bytes.ts";
import type { Drain } from "../create-drain.ts";
import { OptionError } from "../errors.ts";
import * as limits from "../limits.ts";
import { show } from "../options/show.ts";
import type { ByteString, RedisReply } from "../redis/redis-client.ts";
import type { Sender } from "../redis/sender.ts";
import type { ListMember } from "./lists-look.ts";
import { type FirstNames, Register } from "./register.ts";

/**
 * Whether a list has work, and whether it has dead letters (KEYS[1]): 1 and 2, added. A script, because a replica that is behind
 * may answer a mere read.
 */
const lookScript =
  "return math.min(1, redis.call('EXISTS', unpack(KEYS, 2))) + 2 * redis.call('EXISTS', KEYS[1])";

/**
 * Lists that come and go, whose names fit a pattern with one star. Their names stand in a register in Redis, the hash
 * `{tenant:*}:lists`. A producer writes the name after its push. A run that finds a list empty marks its name, looks at its keys
 * once more, and removes the name only if its mark still stands: a producer that pushed meanwhile writes the name again, which
 * takes the mark away. Until then the name stays in the register, so a run that dies in between leaves nothing to repair.
 *
 * A list that has only dead letters needs no run, but someone must be told of it: its name moves to a second register,
 * `{tenant:*}:dead-lists`, which only `stats` reads.
 */
export class Tenants {
  readonly pattern: string;
  readonly #working: Register;
  readonly #dead: Register;
  readonly #prefix: string;
  readonly #suffix: string;

  /** Throws `OptionError` for what is no pattern. */
  constructor(pattern: string, base: ByteString) {
    const [prefix = "", suffix = "", ...more] = pattern.split("*");
    const option = `lists[${show(pattern)}]`;
    if (more.length > 0) throw new OptionError(option, "a pattern with one star", "one with more");
    if (/[{}]/.test(pattern)) throw new OptionError(option, 'a pattern without "{" and "}"', "one with them");
    // Redis keeps names as UTF-8, so no list would ever fit.
    if (/\p{Surrogate}/u.test(pattern))
      throw new OptionError(option, "well-formed text", "half of a character");
    this.pattern = pattern;
    this.#working = new Register(`${base}lists`);
    this.#dead = new Register(`${base}dead-lists`);
    this.#prefix = prefix;
    this.#suffix = suffix;
  }

  /** The key that exists while any list may have work. */
  get register(): ByteString {
    return this.#working.key;
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
    const names = all.map(toTextExact);
    const others = all.filter((_, at) => !this.fits(names[at]));
    // Where this is refused, the next run tries again.
    if (others.length > 0)
      await sender.pipelineOnce([["HDEL", this.register, ...others]]).catch(() => undefined);
    return { names: names.filter((one) => this.fits(one)), isAll: raw.length < limits.tenantCountMax };
  }

  /** Some of the lists that may have work, and some that have only dead letters: see `Register.first`. */
  async first(sender: Sender): Promise<FirstNames & { readonly onlyDead: readonly string[] }> {
    const fits = (name: unknown): name is string => this.fits(name);
    const working = await this.#working.first(sender, fits);
    const dead = await this.#dead.first(sender, fits);
    const onlyDead = dead.names.filter((name) => !working.names.includes(name));
    return {
      names: [...working.names, ...onlyDead],
      leftOut: working.leftOut + dead.leftOut,
      onlyDead,
    };
  }

  /** Writes a name, after a push to its list. */
  add(sender: Sender, list: string): Promise<void> {
    return this.#working.add(sender, [list]);
  }

  /**
   * Removes the names of lists that have no work, and returns those names. `mark` must be unique to this call. Those that have
   * dead letters are written into the second register first.
   */
  async forget(
    sender: Sender,
    mark: string,
    lists: ReadonlyMap<string, ListMember["keys"]>,
  ): Promise<string[]> {
    const names = [...lists.keys()];
    await this.#working.mark(sender, mark, names);
    const looks = await this.#look(sender, lists);
    const empty = names.filter((_, at) => looks[at] === 0 || looks[at] === 2);
    const dead = names.filter((_, at) => looks[at] === 2);
    if (dead.length > 0) await this.#dead.add(sender, dead);
    await this.#working.removeMarked(sender, mark, empty);
    return empty;
  }

  /** Removes the names of lists that no longer have dead letters from the second register. */
  async forgetDead(
    sender: Sender,
    mark: string,
    lists: ReadonlyMap<string, ListMember["keys"]>,
  ): Promise<void> {
    const names = [...lists.keys()];
    await this.#dead.mark(sender, mark, names);
    const looks = await this.#look(sender, lists);
    const gone = names.filter((_, at) => looks[at] === 0 || looks[at] === 1);
    await this.#dead.removeMarked(sender, mark, gone);
  }

  #look(sender: Sender, lists: ReadonlyMap<string, ListMember["keys"]>): Promise<unknown[]> {
    return pipelined(
      sender,
      [...lists.values()].map(({ any, dead }) => ["EVAL", lookScript, any.length + 1, dead, ...any]),
    );
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
