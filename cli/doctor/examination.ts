import { type RedisClient, type RedisCommand, type RedisReply, RedisReplyError } from "../../src/index.ts";
import type { ListKeys } from "../../src/internals.ts";
import { findKeysBeside, type KeysBeside } from "./keys-beside.ts";

/** What a check has found. A problem stops drains or may lose messages; a warning may do so one day. */
export interface Finding {
  readonly level: "ok" | "warning" | "problem" | "skipped";
  readonly text: string;
  /** What to type, or to do, so that it is found no more. */
  readonly mend?: string;
}

/** One thing that is looked at. */
export interface Check {
  /** As JSON names it. */
  readonly name: string;
  /** Whether it is about a list, and left out where none was given. */
  readonly isOfList?: boolean;
  /** Whether it is about a list as a whole, and not about each of its shards. */
  readonly isOfWhole?: boolean;
  examine(examination: Examination): Promise<Finding | readonly Finding[]>;
}

export interface ExaminationOptions {
  readonly client: RedisClient;
  /** Host and port, for people. */
  readonly place: string;
  readonly isRest: boolean;
  /** Whether the client knows that it talks to a cluster. */
  readonly isCluster: boolean;
  readonly keys: ListKeys | undefined;
  /** The list's name; `keys` may be those of one of its shards. */
  readonly wholeList: string;
  /** Shards that the list is said to have. */
  readonly shards: number;
  /** The end of the list that drains take messages from. */
  readonly consumeFrom: "left" | "right";
  readonly timeoutMs: number;
  /** Resolves when the ends of the list have been watched for long enough. */
  readonly watch: () => Promise<unknown>;
  /** The Lambda function whose setting is read. */
  readonly lambda: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** What the checks are given: a Redis to ask, and what is known of it. */
export class Examination {
  readonly options: ExaminationOptions;
  #info: Promise<ReadonlyMap<string, string>> | undefined;
  #keysBeside: Promise<KeysBeside> | undefined;

  constructor(options: ExaminationOptions) {
    this.options = options;
  }

  /** The keys of the list. Only checks of lists may ask. */
  get keys(): ListKeys {
    if (!this.options.keys) throw new TypeError("A check that wants a list must say so.");
    return this.options.keys;
  }

  /** Throws the Redis errors. Where Redis refuses it, the check is told of as skipped. */
  ask(command: RedisCommand): Promise<RedisReply> {
    const { client, timeoutMs, keys } = this.options;
    return client.command(command, { timeoutMs, near: keys?.list });
  }

  /** The replies in their order. Throws the first refusal. */
  async askAll(commands: readonly RedisCommand[]): Promise<RedisReply[]> {
    const { client, timeoutMs, keys } = this.options;
    const replies = await client.pipeline(commands, { timeoutMs, near: keys?.list });
    return replies.map((reply) => {
      if (reply instanceof RedisReplyError) throw reply;
      return reply;
    });
  }

  /** What `INFO` tells, by its names; asked once. */
  info(): Promise<ReadonlyMap<string, string>> {
    this.#info ??= this.ask(["INFO"]).then((text) => {
      const lines = String(text).matchAll(/^([^#:\r\n]+):(.*?)\r?$/gm);
      return new Map([...lines].map(([, name = "", value = ""]) => [name, value]));
    });
    return this.#info;
  }

  /** Every key beside the list; they are looked for once. */
  keysBeside(): Promise<KeysBeside> {
    this.#keysBeside ??= findKeysBeside(this);
    return this.#keysBeside;
  }

  /** A number that `INFO` tells; undefined where it does not. */
  async number(name: string): Promise<number | undefined> {
    const text = (await this.info()).get(name);
    const value = Number(text);
    return text === undefined || text === "" || Number.isNaN(value) ? undefined : value;
  }

  /** A setting of the server; undefined where it does not tell. */
  async setting(name: string): Promise<string | undefined> {
    const reply = await this.ask(["CONFIG", "GET", name]).catch((error: unknown) => {
      if (error instanceof RedisReplyError) return null;
      throw error;
    });
    return Array.isArray(reply) && typeof reply[1] === "string" ? reply[1] : undefined;
  }

  /** Redis' own clock, epoch ms. */
  async now(): Promise<number> {
    const [seconds, micros] = (await this.ask(["TIME"])) as string[];
    return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
  }
}
