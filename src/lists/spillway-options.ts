import type { Continuation } from "../chain/continuation.ts";
import { type Clock, systemClock } from "../clock.ts";
import { OptionError } from "../errors.ts";
import type { EventListeners } from "../events/events.ts";
import { type Listeners, listenersOf } from "../events/listeners.ts";
import type { Watcher } from "../events/watcher.ts";
import type { DrainOptions } from "../options/drain-options.ts";
import {
  boolean,
  type Checked,
  type Checker,
  checkOptions,
  choice,
  either,
  func,
  integer,
  type Kinds,
  object,
  required,
  table,
  text,
} from "../options/option-kinds.ts";
import { attempt, kindOf, show, unreadable } from "../options/show.ts";
import { random, randomId } from "../randomness.ts";
import { type ListKeys, listKeys } from "../redis/keys.ts";
import type { RedisClient } from "../redis/redis-client.ts";
import type { ScaleOut } from "../scale/scale-out.ts";
import { Tenants } from "./tenants.ts";

/** Options that all lists of one deployment share, so that none has its own. */
type Shared =
  | "redis"
  | "list"
  | "continuation"
  | "telemetry"
  | "scaleOut"
  | "requestTimeoutMs"
  | "clock"
  | "randomId"
  | "random";
type Without<Options, Names extends string> = Options extends unknown ? Omit<Options, Names> : never;

/** The options of one list: those of `createDrain`, without the shared ones. */
// biome-ignore lint/suspicious/noExplicitAny: each list has its own type of values.
export type ListOptions<Value = any> = Without<DrainOptions<Value>, Shared>;

/** Options of `createSpillway`, which throws `OptionError` for a bad one. */
export interface SpillwayOptions {
  /** The `RedisClient` that all lists share. */
  redis: RedisClient;
  /**
   * The options of each list, by the name that producers `LPUSH` to; from 1 to 1,000 lists. A name with a star, such as
   * `tenant:*`, stands for lists that come and go: each has these options, and they share one weight.
   */
  lists: Readonly<Record<string, ListOptions>>;
  /**
   * Which list comes first while several have work. `fair`: they take turns. An object of weights from 1 to 1,000, by list: the
   * time of their turns is in that proportion, and a list without a weight has 1. `strict`: the first of `lists` with work.
   * @default "fair"
   */
  priority?: "fair" | "strict" | Readonly<Record<string, number>>;
  /**
   * The common name of all these lists in reports and hops. Change it where two deployments of several lists share one Redis.
   * @default "spillway"
   */
  name?: string;
  /** How a run whose budget ended invokes the next one, for all lists. Default: it does not; the next tick goes on. */
  continuation?: Continuation | undefined;
  /** Listeners to the events of all lists, by event, as for `createDrain`. `spillway.on` adds more. */
  on?: EventListeners | Listeners;
  /** Records spans and metrics of each run, as for `createDrain`. Default: nothing does. */
  telemetry?: Watcher | undefined;
  /**
   * Whether a run starts others through the `continuation` while the live ones cannot empty all lists within 2 s, up to the sum of
   * the lists' `maxConcurrency`. `scaleOut({ withinMs })` sets another time. Lists of the plain engine are left out. Default:
   * `true` where there is a `continuation` and a list whose `maxConcurrency` is above 1.
   */
  scaleOut?: boolean | ScaleOut;
  /**
   * How long a request to Redis may take, ms, from 1 to 300,000.
   * @default 10000
   */
  requestTimeoutMs?: number;
  /** Time, for tests. Default: the system's. */
  clock?: Clock;
  /** Names a run, for tests, as for `createDrain`. Default: 64 random bits. */
  randomId?: () => string;
  /** A number from 0 to 1 for the jitter, for tests. Default: a random one. */
  random?: () => number;
}

const listCountMax = 1_000;
/** Made only when needed, so that a bundle without `createSpillway` can leave them out. */
function kindsOfOptions() {
  return {
    redis: required(
      object({ methods: ["command", "pipeline"], wanted: "a RedisClient, as upstash(…) makes it" }),
    ),
    lists: required(
      record<Readonly<Record<string, ListOptions>>>(
        `an object of the options of 1 to ${listCountMax} lists, by name`,
      ),
    ),
    priority: priorityKind(),
    name: text({ default: "spillway" }),
    continuation: object({ methods: ["invoke"] }),
    // Checked where listeners are made.
    on: { wanted: "", allows: () => true } as Checker<SpillwayOptions["on"]>,
    telemetry: object<Watcher>({
      methods: ["watch", "around"],
      wanted: "a telemetry, as openTelemetry(…) makes it",
    }),
    scaleOut: either(boolean(), func<ScaleOut>()),
    requestTimeoutMs: integer({ min: 1, max: 300_000, default: 10_000 }),
    clock: object({ methods: ["now", "after"], default: systemClock }),
    randomId: func({ default: randomId }),
    random: func({ default: random }),
  } satisfies Kinds<SpillwayOptions>;
}

export interface SpillwaySettings extends Omit<Checked<ReturnType<typeof kindsOfOptions>>, "priority"> {
  readonly isStrict: boolean;
  /** By list, in the order given. */
  readonly weights: ReadonlyMap<string, number>;
  readonly keys: ListKeys;
  readonly listening: Listeners;
  /** Those that watch runs, the outermost first. */
  readonly watchers: readonly Watcher[];
  /** The options that all lists share. */
  readonly shared: object;
  /** By pattern, in the order given. */
  readonly patterns: ReadonlyMap<string, Tenants>;
}

/** Checks all options except those of single lists. */
export function checkSpillwayOptions(options: unknown): SpillwaySettings {
  const kinds = kindsOfOptions();
  const { priority, ...checked } = checkOptions(kinds, options);
  // Read once: it is the user's object.
  const lists = attempt(() => ({ ...checked.lists }));
  if (!lists) throw new OptionError("lists", kinds.lists.wanted, unreadable);
  const settings = { ...checked, lists };
  const names = Object.keys(lists);
  if (names.length > listCountMax)
    throw new OptionError("lists", kinds.lists.wanted, `${names.length} lists`);
  const keys = keysOf("name", settings.name);
  const all = names.map((name) => keysOf(`lists[${show(name)}]`, name));
  for (const [at, one] of all.entries()) {
    const other = [keys, ...all.slice(0, at)].find((before) => shares(before, one));
    if (other) {
      const what = `a name that shares no key with ${show(other.name)} (a list "a" also has keys "{a}:…")`;
      throw new OptionError(`lists[${show(one.name)}]`, what, "one that shares some");
    }
  }
  const patterns = patternsOf(names, settings.name);
  const isStrict = priority === "strict";
  const number = isStrict && names.find((name) => /^\d+$/.test(name));
  if (typeof number === "string") {
    const wanted =
      'given with names that are not only digits where priority is "strict", since an object does not keep such names in order';
    throw new OptionError("lists", wanted, show(number));
  }
  const weight = integer({ min: 1, max: 1_000, default: 1 });
  const weightKinds = Object.fromEntries(names.map((name) => [name, weight]));
  const kind = { priority: table(weightKinds) };
  const { priority: given = {} } = typeof priority === "object" ? checkOptions(kind, { priority }) : {};
  const weights = new Map(names.map((name) => [name, 1]));
  for (const [name, weight] of Object.entries(given)) weights.set(name, weight);
  const { redis, clock, random, randomId, requestTimeoutMs, telemetry } = settings;
  const shared = { redis, clock, random, randomId, requestTimeoutMs, telemetry };
  const listening = listenersOf(settings.on);
  const watchers = [telemetry, listening].filter((one) => one !== undefined);
  return { ...settings, isStrict, keys, weights, patterns, listening, watchers, shared };
}

function patternsOf(names: readonly string[], whole: string): Map<string, Tenants> {
  const patterns = new Map<string, Tenants>();
  for (const name of names.filter((one) => one.includes("*"))) {
    const tenants = new Tenants(name, listKeys(name).base);
    const option = `lists[${show(name)}]`;
    const other = [...patterns.values()].find((one) => one.meets(tenants));
    if (other) {
      const wanted = `a pattern that shares no list with ${show(other.pattern)}`;
      throw new OptionError(
        option,
        wanted,
        "one that some lists fit too; give one of the two another prefix",
      );
    }
    const fitting = [...names, whole].find((one) => tenants.fits(one));
    if (fitting !== undefined) {
      const wanted = `a pattern that your other name ${show(fitting)} does not fit`;
      throw new OptionError(option, wanted, "one that it fits; rename one of them");
    }
    patterns.set(name, tenants);
  }
  return patterns;
}

/** Makes one list, and adds the list's name to the option errors that this throws. */
export function ofList<Made>(name: string, make: () => Made): Made {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    throw new OptionError(`lists[${show(name)}].${error.option}`, error.expected, error.received);
  }
}

/** One list's own options. Throws `OptionError` for what is no object, and for options that all lists share. */
export function ownOptions(options: ListOptions): ListOptions {
  const given = attempt(() => kindOf(options) === "an object" && { ...options });
  if (!given) throw new OptionError("options", "an object", given === false ? kindOf(options) : unreadable);
  const shared = "redis list continuation scaleOut telemetry requestTimeoutMs clock randomId random";
  for (const name of shared.split(" ")) {
    if (Object.hasOwn(given, name))
      throw new OptionError(name, "given once, for all lists", "one for this list");
  }
  if (Object.hasOwn(given, "shards"))
    throw new OptionError("shards", "left out: a list with shards has a createDrain of its own", "a count");
  return given;
}

function keysOf(option: string, name: string): ListKeys {
  try {
    return listKeys(name);
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    throw new OptionError(option, error.expected, error.received);
  }
}

/** Whether two lists have a key in common. */
function shares(one: ListKeys, other: ListKeys): boolean {
  return one.base === other.base || one.list.startsWith(other.base) || other.list.startsWith(one.base);
}

function record<Type extends object>(wanted: string): Checker<Type> {
  return {
    wanted,
    isSecret: "text",
    allows: (value) => kindOf(value) === "an object" && Object.keys(value as object).length > 0,
  };
}

function priorityKind(): Checker<"fair" | "strict" | Readonly<Record<string, number>>> {
  const words = choice(["fair", "strict"], { default: "fair" });
  return {
    default: "fair",
    wanted: `${words.wanted} or a plain object of weights from 1 to 1000, by list`,
    allows: (value) => words.allows(value) || kindOf(value) === "an object",
  };
}
