import { type Command, Option } from "commander";
import { ioredis } from "../adapters/redis/ioredis.ts";
import { upstash } from "../adapters/redis/upstash.ts";
import {
  createDrain,
  createSpillway,
  type Drain,
  type EveryDrainOption,
  OptionError,
  type RedisClient,
  type ShardOptions,
  type Spillway,
} from "../src/index.ts";
import type { Session } from "./session.ts";
import { readCount, wholeNumber } from "./values.ts";

/** Where the user's Redis is. */
export interface ConnectionOptions {
  readonly url?: string;
  readonly token?: string;
  readonly cluster?: boolean;
  readonly timeoutMs: number;
}

/** How the list is drained, where that is not the usual way. */
export interface ListOptions {
  readonly shards?: number;
  readonly engine?: "scripted" | "plain";
  readonly consumeFrom?: "left" | "right";
  readonly workingList?: string;
  /** A path in the payload. */
  readonly byKey?: string;
  readonly strictOrder?: boolean;
}

export interface Connection {
  readonly client: RedisClient;
  /** Host and port, for people. */
  readonly place: string;
  readonly isRest: boolean;
}

/** Which commands talk to a Redis say so by these options. */
export function withConnection(command: Command): Command {
  return command
    .optionsGroup("Where Redis is:")
    .option(
      "--url <url>",
      "the Redis: https://… (Upstash's REST protocol), redis://… or rediss://… (default: UPSTASH_REDIS_REST_URL, or else REDIS_URL)",
    )
    .option("--token <token>", "the token of a REST URL (default: UPSTASH_REDIS_REST_TOKEN)")
    .option("--cluster", "the redis:// URL is a node of a Redis Cluster")
    .option("--timeout-ms <ms>", "how long a request may take", wholeNumber(1, 300_000), 10_000)
    .optionsGroup("Options:");
}

export function withList(command: Command): Command {
  return withConnection(command)
    .optionsGroup("How the list is drained:")
    .option("--shards <count>", "the list is spread over so many shards", readCount)
    .addOption(consumeFromOption())
    .addOption(new Option("--engine <name>", "as its drains have it").choices(["scripted", "plain"]))
    .option("--working-list <key>", "the shared working list of the plain engine")
    .optionsGroup("Options:");
}

export function consumeFromOption(): Option {
  const text = "the end that messages are taken from (default: right, where producers LPUSH)";
  return new Option("--consume-from <end>", text).choices(["right", "left"]);
}

/** In which order the list is drained, for commands that put messages into it, or take them. */
export function withOrder(command: Command): Command {
  return command
    .optionsGroup("How the list is drained:")
    .option("--by-key <path>", 'the list is drained in order by this key, such as "customer.id"')
    .option("--strict-order", "the list is drained in strict order")
    .optionsGroup("Options:");
}

/** Opens the Redis that the options or the environment name, and closes it at the end. Throws `OptionError`, with no secret in it. */
export async function connect(options: ConnectionOptions, session: Session): Promise<Connection> {
  const { environment } = session.host;
  const url = options.url ?? (environment.UPSTASH_REDIS_REST_URL || environment.REDIS_URL);
  if (!url) {
    const wanted = "given, or UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN, or REDIS_URL, be set";
    throw new OptionError("--url", wanted, "none");
  }
  const { protocol, host } = readUrl(url);
  const isRest = /^https?:$/.test(protocol);
  if (!isRest && options.token !== undefined) {
    throw new OptionError("--token", "left out with redis://, whose password stands in the URL", "one");
  }
  const client = isRest
    ? openRest(url, options, environment.UPSTASH_REDIS_REST_TOKEN)
    : await openTcp(url, options.cluster === true);
  session.lifetime.atEnd(() => client.close());
  return { client, place: host || "localhost", isRest };
}

/** A drain for what operators do: it runs no handler. */
export async function openDrain(
  list: string,
  options: ConnectionOptions & ListOptions,
  session: Session,
): Promise<Drain> {
  const { client } = await connect(options, session);
  return drainOf(client, list, options);
}

export function drainOf(client: RedisClient, list: string, options: ConnectionOptions & ListOptions): Drain {
  return createDrain({ redis: client, list, handler, ...drainOptions(options) });
}

/** The same for the lists that fit a pattern. Throws `OptionError` for what is none. */
export function patternOf(
  client: RedisClient,
  pattern: string,
  options: ConnectionOptions & ListOptions,
): Spillway {
  if (/^\*+$/.test(pattern)) {
    throw new OptionError("lists", 'names, or patterns such as "tenant:*"', "a star alone");
  }
  const { requestTimeoutMs, ...own } = drainOptions(options);
  return createSpillway({
    redis: client,
    // Nothing runs under this name. The usual one would fit patterns such as "s*", which is refused.
    name: "-",
    lists: { [pattern]: { ...own, handler } },
    ...(requestTimeoutMs !== undefined && { requestTimeoutMs }),
  });
}

function handler(): never {
  throw new Error("The command line runs handlers by `spillway drain` alone.");
}

/** What the options say of how the list is drained. Throws `OptionError` for two orders. */
export function drainOptions(
  options: ConnectionOptions & ListOptions,
): Pick<EveryDrainOption<unknown>, "requestTimeoutMs" | "engine" | "workingList" | "order" | "consumeFrom"> &
  ShardOptions {
  const { shards, engine, consumeFrom, workingList, timeoutMs, byKey, strictOrder } = options;
  if (byKey !== undefined && strictOrder) {
    throw new OptionError("--by-key", "left out with --strict-order", "both");
  }
  return {
    requestTimeoutMs: timeoutMs,
    ...(shards === undefined ? {} : { shards }),
    ...(engine === undefined ? {} : { engine }),
    ...(consumeFrom === undefined ? {} : { consumeFrom }),
    ...(workingList === undefined ? {} : { workingList }),
    ...(strictOrder ? { order: "strict" } : byKey === undefined ? {} : { order: { byKey } }),
  };
}

function readUrl(url: string): URL {
  const wanted = "a URL that begins with https://, http://, redis:// or rediss://";
  if (/\s/.test(url) || !URL.canParse(url)) throw new OptionError("--url", wanted, "another text");
  const parsed = new URL(url);
  if (/^(https?|rediss?):$/.test(parsed.protocol)) return parsed;
  throw new OptionError("--url", wanted, "a URL of another protocol");
}

function openRest(
  url: string,
  { token, cluster, timeoutMs }: ConnectionOptions,
  standard: string | undefined,
): RedisClient {
  if (cluster) throw new OptionError("--cluster", "left out with a REST URL", "given");
  const given = token ?? standard;
  if (!given) throw new OptionError("--token", "given, or UPSTASH_REDIS_REST_TOKEN be set", "none");
  return upstash({ url, token: given, requestTimeoutMs: timeoutMs });
}

/** Loads ioredis here, where the build takes it into the command line; the adapter would want it installed. */
async function openTcp(url: string, isCluster: boolean): Promise<RedisClient> {
  const { Cluster, Redis } = await import("ioredis");
  return ioredis(
    isCluster ? new Cluster([url], { lazyConnect: true }) : new Redis(url, { lazyConnect: true }),
  );
}
