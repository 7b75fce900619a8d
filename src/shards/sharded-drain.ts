import type { DrainStats } from "../broker/broker.ts";
import type { Continuation } from "../chain/continuation.ts";
import { askUntil, checkWaitOptions } from "../chain/wait.ts";
import type { Drain } from "../create-drain.ts";
import { OptionError } from "../errors.ts";
import { watched } from "../events/watcher.ts";
import { shareOf } from "../handling/retry-policy.ts";
import type { Turns } from "../lists/fair-run.ts";
import { checkLeaseOptions } from "../operations/leases.ts";
import { checkPeekOptions, type PeekedMessage } from "../operations/peek.ts";
import { type CheckedRunOptions, checkRunOptions } from "../options/run-options.ts";
import { pushContext, pushMessages, watchedPush } from "../push/push.ts";
import { type ListKeys, listKeys } from "../redis/keys.ts";
import type { ByteString } from "../redis/redis-client.ts";
import type { Sender } from "../redis/sender.ts";
import { LiveRuns } from "../run/live-runs.ts";
import type { DrainReport } from "../run/report.ts";
import type { RunnerParts } from "../run/runner.ts";
import { type ShardCounts, ShardRegistry } from "./registry.ts";
import { checkShards, shardAt, shardCountMax, shardName } from "./shard-names.ts";
import { shardedDeadLetters, shardedLimits } from "./sharded-control.ts";
import { runShards } from "./sharded-run.ts";
import { Visits } from "./visits.ts";

/** How one logical list is spread over several. */
export interface ShardOptions {
  /**
   * Spreads the list over so many Redis lists, from 1 to 1,024, each in a hash slot of its own: `{emails:0}`, `{emails:1}` and so
   * on; `emails` itself is drained too. Redis keeps the count, and a drain with another count gets an error. Not with
   * `workingList`.
   * @default 1
   */
  shards?: number | undefined;
}

/** A drain of one Redis list, and its parts. */
interface ListDrain {
  readonly drain: Drain;
  readonly parts: RunnerParts;
}

/** Makes the drain of one of the lists. */
type OpenList = (options: object, whole?: ByteString) => ListDrain;

/** How many lists are asked at a time. Reason: over REST each is a request of its own. */
const atOnceMax = 16;

/** One logical list over several Redis lists: each has a drain of its own, made when first needed. */
export function shardedDrain(options: object, shards: unknown, open: OpenList): Drain {
  return new Shards(options, shards, open).toDrain();
}

class Shards {
  readonly #options: object;
  readonly #openList: OpenList;
  /** The drain of the list itself, whose settings all shards have. */
  readonly #base: ListDrain;
  readonly #shards: number;
  readonly #registry: ShardRegistry;
  readonly #visits = new Visits();
  readonly #turns: Turns;
  readonly #continuation: Continuation | undefined;
  readonly #opened = new Map<string, ListDrain>();
  readonly #redis: RunnerParts["settings"]["redis"];
  readonly #live = new LiveRuns();

  constructor(options: object, shards: unknown, open: OpenList) {
    this.#base = open(options);
    const { settings } = this.#base.parts;
    checkShards(settings.list, shards);
    if (settings.workingList !== undefined) {
      throw new OptionError("workingList", "left out where the list has shards", "one");
    }
    this.#options = options;
    this.#openList = open;
    this.#shards = shards;
    this.#registry = new ShardRegistry(settings.list, settings.clock);
    this.#turns = { at: Math.floor(this.#share() * shards), credits: new Map() };
    const { redis, continuation, list } = settings;
    // A push or a `wake` starts a drain of the whole list, not of one shard.
    this.#continuation = continuation && {
      name: continuation.name,
      invoke: (next) => continuation.invoke({ ...next, list }),
    };
    // The client is closed once, for all shards.
    this.#redis = {
      name: redis.name,
      command: (command, about) => redis.command(command, about),
      pipeline: (commands, about) => redis.pipeline(commands, about),
      ...(redis.block && { block: (command, about) => redis.block?.(command, about) as Promise<null> }),
      close: async () => undefined,
    };
  }

  toDrain(): Drain {
    const { settings } = this.#base.parts;
    const close = async (): Promise<void> => {
      await this.#live.end();
      for (const { drain } of this.#opened.values()) await drain.close();
      await this.#base.drain.close();
    };
    return {
      list: settings.list,
      on: this.#base.drain.on,
      run: async (options = {}) => this.#live.run(checkRunOptions(options), (checked) => this.#run(checked)),
      push: (messages, options = {}) =>
        watchedPush(settings, messages, (given) => this.#push(given, options)),
      peek: async (options = {}) => {
        const { count, ...of } = checkPeekOptions(options);
        const found: PeekedMessage[] = [];
        const drains = await this.#drains();
        while (drains.length > 0 && found.length < count) {
          const some = drains.splice(0, atOnceMax);
          const left = count - found.length;
          found.push(...(await this.#all((drain) => drain.peek({ ...of, count: left }), some)).flat());
        }
        return found.slice(0, count);
      },
      leases: async (options = {}) => {
        const { max } = checkLeaseOptions(options);
        const all = (await this.#all((drain) => drain.leases({ max }))).flat();
        return all.sort((one, other) => one.endsAt - other.endsAt).slice(0, max);
      },
      stats: async () => mergedStats(await this.#all((drain) => drain.stats())),
      recover: async () => {
        const all = await this.#all((drain) => drain.recover());
        return {
          recovered: all.reduce((sum, { recovered }) => sum + recovered, 0),
          adopted: all.reduce((sum, { adopted }) => sum + adopted, 0),
        };
      },
      pause: async () => void (await this.#all((drain) => drain.pause())),
      resume: async () => void (await this.#all((drain) => drain.resume())),
      wake: async () => {
        const all = await this.#all((drain) => drain.wake(), await this.#open());
        return all.find((said) => said?.woken) ?? all[0] ?? null;
      },
      waitForMessage: (options) => this.#waitForMessage(options),
      deadLetters: shardedDeadLetters(() => this.#drains()),
      limits: shardedLimits(
        () => this.#drains(),
        async () => (await this.#registry.expect(this.#shards, this.#base.parts.openSender())).shards,
      ),
      close,
      [Symbol.asyncDispose]: close,
    };
  }

  async #run(options: CheckedRunOptions): Promise<DrainReport> {
    const base = this.#base.parts;
    const { list, clock, watchers, randomId } = base.settings;
    const lists = async (sender: Sender): Promise<readonly RunnerParts[]> => {
      const counts = await this.#registry.expect(this.#shards, sender);
      return listsOf(list, counts).map(({ name }) => this.#list(name).parts);
    };
    const chain = options.chain ?? { id: randomId(), hop: 0, paceUs: undefined };
    const parts = { base, shards: this.#shards, visits: this.#visits, turns: this.#turns, lists };
    const about = { list, clock, chain, endAt: clock.now() + options.budgetMs };
    return watched(watchers, about, () => runShards(parts, { ...options, chain }));
  }

  #drainOf(list: string): Drain {
    return this.#list(list).drain;
  }

  #list(list: string): ListDrain {
    this.#live.expectOpen();
    const continuation = this.#continuation && { continuation: this.#continuation };
    const on = { on: this.#base.parts.settings.listeners };
    const opened =
      this.#opened.get(list) ??
      this.#openList(
        { ...this.#options, ...continuation, ...on, list, redis: this.#redis },
        this.#base.parts.keys.busy,
      );
    this.#opened.set(list, opened);
    return opened;
  }

  /** The drains of all lists that are visited, the list itself first. */
  async #drains(): Promise<Drain[]> {
    return (await this.#lists()).map(({ name }) => this.#drainOf(name));
  }

  async #lists(): Promise<ListKeys[]> {
    const counts = await this.#registry.read(this.#base.parts.openSender());
    const shards = this.#shards;
    return listsOf(this.#base.drain.list, counts ?? { shards, visited: shards });
  }

  /** The drains of lists that may have work. */
  async #open(): Promise<Drain[]> {
    const asked = (await this.#lists()).map(({ name, list }) => ({ member: name, keys: [list] }));
    const open = await this.#visits.open(this.#base.parts.openSender(), asked);
    return open.map((name) => this.#drainOf(name));
  }

  async #all<Result>(ask: (drain: Drain) => Promise<Result>, of?: readonly Drain[]): Promise<Result[]> {
    const drains = of ?? (await this.#drains());
    const results: Result[] = [];
    for (let at = 0; at < drains.length; at += atOnceMax) {
      results.push(...(await Promise.all(drains.slice(at, at + atOnceMax).map(ask))));
    }
    return results;
  }

  #push: Drain["push"] = async (messages, options = {}) => {
    const { settings, openSender } = this.#base.parts;
    const shards = this.#shards;
    await this.#registry.expect(shards, openSender());
    const names = Array.from({ length: shards }, (_, at) => shardName(settings.list, at, shards));
    const lanes = names.map((name) => {
      const { parts } = this.#list(name);
      return { sender: parts.openSender(), keys: parts.keys };
    });
    const start = Math.floor(this.#share() * shards);
    const laneOf = (name: string | undefined, place: number): number =>
      name === undefined ? (start + place) % shards : shardAt(name, shards);
    const wake = (empty: readonly number[]) =>
      this.#all(
        (drain) => drain.wake(),
        empty.map((lane) => this.#drainOf(names[lane] as string)),
      );
    return pushMessages({ ...pushContext(settings, lanes, wake), laneOf }, messages, options);
  };

  /** Where the lists are few, blocks at each of them; otherwise asks about all of them once a second. */
  #waitForMessage: Drain["waitForMessage"] = async (given) => {
    const options = checkWaitOptions(given);
    const drains = await this.#drains();
    const { clock } = this.#base.parts.settings;
    if (drains.length > atOnceMax) {
      if (await (drains[0] as Drain).waitForMessage({ ...options, timeoutMs: 1 })) return true;
      const ask = async (): Promise<boolean> => (await this.#open()).length > 0;
      return askUntil(ask, clock.now() + options.timeoutMs, clock, options.signal);
    }
    const found = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, found.signal]) : found.signal;
    try {
      return await new Promise<boolean>((resolve, reject) => {
        const waits = drains.map((drain) => drain.waitForMessage({ ...options, signal }));
        for (const wait of waits) wait.then((has) => has && resolve(true), reject);
        Promise.all(waits).then(() => resolve(false), reject);
      });
    } finally {
      found.abort();
    }
  };

  /** A random number from 0 to 1, not 1. */
  #share(): number {
    return Math.min(shareOf(this.#base.parts.settings), 1 - Number.EPSILON);
  }
}

/** The lists to visit: the list itself, since some producers may push to its own name, and each shard that there is or was. */
function listsOf(list: string, { visited }: ShardCounts): ListKeys[] {
  const names = Array.from({ length: visited > 1 ? visited : 0 }, (_, at) =>
    shardName(list, at, shardCountMax),
  );
  return [list, ...names].map(listKeys);
}

function mergedStats(all: readonly DrainStats[]): DrainStats {
  const sum = (name: "list" | "working" | "leases" | "delayed" | "dead" | "parked" | "parkedKeys"): number =>
    all.reduce((total, stats) => total + stats[name], 0);
  const due = all.flatMap(({ nextDueAt }) => nextDueAt ?? []);
  const braked = all.flatMap(({ brakedUntil }) => brakedUntil ?? []);
  return {
    list: sum("list"),
    working: sum("working"),
    leases: sum("leases"),
    delayed: sum("delayed"),
    parked: sum("parked"),
    parkedKeys: sum("parkedKeys"),
    dead: sum("dead"),
    nextDueAt: due.length > 0 ? Math.min(...due) : null,
    brakedUntil: braked.length > 0 ? Math.max(...braked) : null,
    paused: all.some(({ paused }) => paused),
  };
}
