import { evaluate, type Script } from "../broker/evaluate.ts";
import { numberOf } from "../broker/replies.ts";
import { takeDeadScript } from "../broker/scripts/take-dead.ts";
import { sha1Hex } from "../digest.ts";
import { OptionError, RedisProtocolError, RedisTooLargeError } from "../errors.ts";
import * as limits from "../limits.ts";
import { boolean, checkOptions, choice, func, integer, type Kinds } from "../options/option-kinds.ts";
import { show } from "../options/show.ts";
import type { ListKeys } from "../redis/keys.ts";
import type { ByteString, RedisCommand, RedisReply } from "../redis/redis-client.ts";
import type { Sender } from "../redis/sender.ts";
import { type DeadLetter, payloadOf, readDeadLetter } from "./dead-letter.ts";
import { type DeadLetterWhere, fitsWhere, whereKind } from "./dead-letter-where.ts";

/** Which dead letters, and in which order they are looked at. */
export interface DeadLetterSelection {
  /** At most so many. Default: all there are when the call begins. */
  max?: number;
  /** Only those that fit. Default: all. */
  where?: DeadLetterWhere;
  /**
   * Only those of them for which it gives true; it may be async. One that throws, or gives neither true nor false, rejects the call,
   * and nothing is taken of the chunk that was looked at or of what follows.
   */
  filter?: (deadLetter: DeadLetter) => boolean | PromiseLike<boolean>;
  /** `oldest` first, the default, or `newest` first. */
  order?: "oldest" | "newest";
}

export interface DeadLetterChange extends DeadLetterSelection {
  /** Only count what would be taken. Default: false. */
  dryRun?: boolean;
}

/** The dead letters of one list. Throws `OptionError` for bad options, and the Redis errors. */
export interface DeadLetters {
  count(): Promise<number>;
  /** Reads them. `max` defaults to 100 here. */
  list(options?: DeadLetterSelection): Promise<DeadLetter[]>;
  /** The one of this id, wherever it stands among them; null where there is none (any more). It looks at one after another. */
  show(id: string): Promise<DeadLetter | null>;
  /**
   * Returns them to the left end of the list, in the order looked at, with a fresh count of attempts; with an order of its
   * own, to the right end, or in front of the line of their key. In chunks of at most 100, each atomic: whatever dies between two, each message is in one place.
   */
  redrive(options?: DeadLetterChange): Promise<{ redriven: number }>;
  /** Deletes them, in the same chunks. */
  purge(options?: DeadLetterChange): Promise<{ purged: number }>;
}

const takeDead: Script = { source: takeDeadScript, sha: sha1Hex(takeDeadScript) };
const listMaxDefault = 100;

const selectionKinds = {
  max: integer({ min: 1 }),
  where: whereKind,
  filter: func({ default: () => true }),
  order: choice(["oldest", "newest"], { default: "oldest" }),
  dryRun: boolean({ default: false }),
} satisfies Kinds<DeadLetterChange>;

interface Selection {
  readonly max: number;
  readonly where: DeadLetterWhere;
  readonly filter: (deadLetter: DeadLetter) => unknown;
  readonly order: "oldest" | "newest";
  readonly dryRun: boolean;
}

/** Some dead letters as they stand in Redis, in the order looked at. */
interface Chunk {
  readonly first: number;
  readonly last: number;
  readonly entries: readonly ByteString[];
}

/** `readKeys` says the keys of payloads where the list has an order of its own: of each 16 characters, or `""`. */
export function deadLetters(
  makeSender: () => Sender,
  keys: ListKeys,
  readKeys?: (payloads: readonly ByteString[]) => Promise<string[]>,
): DeadLetters {
  return new ListDeadLetters(makeSender, keys, readKeys);
}

class ListDeadLetters implements DeadLetters {
  readonly #makeSender: () => Sender;
  readonly #keys: ListKeys;

  readonly #readKeys: ((payloads: readonly ByteString[]) => Promise<string[]>) | undefined;

  constructor(
    makeSender: () => Sender,
    keys: ListKeys,
    readKeys: ((payloads: readonly ByteString[]) => Promise<string[]>) | undefined,
  ) {
    this.#readKeys = readKeys;
    this.#makeSender = makeSender;
    this.#keys = keys;
  }

  async count(): Promise<number> {
    return numberOf(this.#makeSender(), ["LLEN", this.#keys.dead]);
  }

  async list(options: DeadLetterSelection = {}): Promise<DeadLetter[]> {
    const selection = readSelection(options, listMaxDefault);
    const found: DeadLetter[] = [];
    await this.#walk(selection, async (_, chosen) => {
      found.push(...chosen.map((entry) => readDeadLetter(entry, this.#keys.name)));
      return 0;
    });
    return found;
  }

  async show(id: string): Promise<DeadLetter | null> {
    const [found] = await this.list({ max: 1, where: { id } });
    return found ?? null;
  }

  async redrive(options: DeadLetterChange = {}): Promise<{ redriven: number }> {
    return { redriven: await this.#take("redrive", readSelection(options)) };
  }

  async purge(options: DeadLetterChange = {}): Promise<{ purged: number }> {
    return { purged: await this.#take("purge", readSelection(options)) };
  }

  async #take(mode: "redrive" | "purge", selection: Selection): Promise<number> {
    let total = 0;
    await this.#walk(selection, async (chunk, chosen) => {
      const taken =
        selection.dryRun || chosen.length === 0 ? 0 : await this.#takeChosen(mode, selection, chunk, chosen);
      total += selection.dryRun ? chosen.length : taken;
      return taken;
    });
    return total;
  }

  async #takeChosen(
    mode: "redrive" | "purge",
    { order }: Selection,
    { first, last }: Chunk,
    chosen: readonly ByteString[],
  ): Promise<number> {
    let mayHaveRun = false;
    const isFirst = mode === "redrive" && this.#readKeys !== undefined;
    const lineKeys = isFirst ? await this.#readKeys?.(chosen.map(payloadOf)) : undefined;
    const { list, dead, parked, due, lines } = this.#keys;
    const taken = await evaluate(
      this.#makeSender(),
      takeDead,
      isFirst ? [list, dead, parked, due, lines] : [list, dead],
      (again) => {
        mayHaveRun = again;
        const digests = chosen.map((entry, at) => sha1Hex(entry) + (lineKeys?.[at] ?? ""));
        return [isFirst ? "first" : mode, order, first, last, ...digests];
      },
    );
    if (typeof taken !== "number")
      throw new RedisProtocolError(`The script must return a number; got ${typeof taken}.`);
    // None left of what was there a moment ago, and an earlier sending that may have run: it was that.
    return taken === 0 && mayHaveRun ? chosen.length : taken;
  }

  /** Visits the dead letters chunk by chunk; `visit` returns how many of a chunk it took away. */
  async #walk(
    selection: Selection,
    visit: (chunk: Chunk, chosen: readonly ByteString[]) => Promise<number>,
  ): Promise<void> {
    // Those that die meanwhile are not visited: a redriven message may be among them.
    let left = await this.count();
    let wanted = selection.max;
    let skipped = 0;
    let most: number = limits.deadChunkCount;
    let size: number = limits.deadChunkCountFirst;
    while (left > 0 && wanted > 0) {
      const chunk = await this.#read(selection.order, skipped, Math.min(size, left));
      if (chunk === "too-large") {
        most = Math.ceil(size / 2);
        size = most;
        continue;
      }
      if (chunk.entries.length === 0) return;
      const largest = Math.max(...chunk.entries.map(({ length }) => length));
      size = Math.max(1, Math.min(most, Math.floor(limits.scriptBytesMax / largest)));
      if (largest * chunk.entries.length > limits.scriptBytesMax && chunk.entries.length > size) continue;
      const chosen = await this.#choose(chunk, selection, wanted);
      const taken = await visit(chunk, chosen);
      wanted -= chosen.length;
      left -= chunk.entries.length;
      skipped += chunk.entries.length - taken;
    }
  }

  async #choose({ entries }: Chunk, { where, filter }: Selection, wanted: number): Promise<ByteString[]> {
    const chosen: ByteString[] = [];
    for (const entry of entries) {
      if (chosen.length >= wanted) break;
      const deadLetter = readDeadLetter(entry, this.#keys.name);
      if (!fitsWhere(deadLetter, where)) continue;
      const answer = await filter(deadLetter);
      if (typeof answer !== "boolean")
        throw new OptionError(
          "filter",
          "a function that returns true or false, or a promise of it",
          show(answer),
        );
      if (answer) chosen.push(entry);
    }
    return chosen;
  }

  async #read(order: Selection["order"], skipped: number, count: number): Promise<Chunk | "too-large"> {
    const [first, last] =
      order === "oldest" ? [-skipped - count, -skipped - 1] : [skipped, skipped + count - 1];
    const command: RedisCommand = ["LRANGE", this.#keys.dead, first as number, last as number];
    try {
      const entries = checkEntries(await this.#makeSender().command(() => command));
      return {
        first: first as number,
        last: last as number,
        entries: order === "oldest" ? entries.reverse() : entries,
      };
    } catch (error) {
      if (error instanceof RedisTooLargeError && count > 1) return "too-large";
      throw error;
    }
  }
}

function checkEntries(reply: RedisReply): ByteString[] {
  if (!Array.isArray(reply) || !reply.every((entry) => typeof entry === "string")) {
    throw new RedisProtocolError("LRANGE must answer a list of strings.");
  }
  return reply as ByteString[];
}

export function readSelection(options: DeadLetterChange, maxDefault = Number.POSITIVE_INFINITY): Selection {
  const { max = maxDefault, ...others } = checkOptions(selectionKinds, options);
  return { max, ...others };
}
