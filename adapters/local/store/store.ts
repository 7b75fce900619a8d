import { type ByteString, type RedisCommand, type RedisReply, RedisReplyError } from "../../../src/index.ts";
import { argument, type CommandRow, type CommandTable, integer, syntaxError } from "./command.ts";
import { hashCommands } from "./hashes.ts";
import { keyCommands } from "./keys.ts";
import { Keyspace } from "./keyspace.ts";
import { listCommands } from "./lists.ts";
import { sortedSetCommands } from "./sorted-sets.ts";

const commands: CommandTable = { ...keyCommands, ...listCommands, ...hashCommands, ...sortedSetCommands };

/** Runs one command and returns its reply; throws `RedisReplyError` as Redis answers. */
export type Call = (command: RedisCommand) => RedisReply;

/** A script as a TypeScript function: the same commands in the same order as its Lua. */
export type ScriptFunction = (
  call: Call,
  keys: readonly ByteString[],
  args: readonly ByteString[],
) => RedisReply;

/** The scripts a store can run, by the SHA-1 of their Lua source. */
export type ScriptTable = ReadonlyMap<string, ScriptFunction>;

/**
 * A small Redis in memory: only the commands that Spillway and a producer use, with Redis' replies and error texts.
 * Keys and values are bytes-in-a-string. Everything is synchronous, so every command is atomic.
 */
export class Store {
  readonly #keyspace: Keyspace;
  readonly #scripts: ScriptTable;
  readonly #digest: (source: ByteString) => string;
  readonly #loaded = new Set<string>();
  readonly #calls = new Map<string, { calls: number; failed: number }>();

  constructor(options: { now: () => number; scripts: ScriptTable; digest: (source: ByteString) => string }) {
    this.#keyspace = new Keyspace(options.now);
    this.#scripts = options.scripts;
    this.#digest = options.digest;
  }

  /** Runs one command. Throws `RedisReplyError`. */
  call(command: RedisCommand): RedisReply {
    const { name, row } = this.check(command);
    const counted = this.#calls.get(name) ?? { calls: 0, failed: 0 };
    this.#calls.set(name, counted);
    counted.calls += 1;
    try {
      return row.run(this.#keyspace, command.slice(1).map(String));
    } catch (error) {
      counted.failed += 1;
      throw error;
    }
  }

  /** Finds what a command runs. Throws `RedisReplyError` where there is no such command, or its arguments are too few or many. */
  check([given, ...args]: RedisCommand): { name: string; row: CommandRow } {
    const name = given.toUpperCase();
    const row = this.#row(name);
    if (row === undefined) {
      const shown = args.map((text) => `'${String(text).slice(0, 128)}' `).join("");
      throw new RedisReplyError(
        `ERR unknown command '${given.slice(0, 128)}', with args beginning with: ${shown.slice(0, 128)}`,
      );
    }
    if (args.length < row.min || args.length > (row.max ?? row.min)) {
      throw new RedisReplyError(`ERR wrong number of arguments for '${name.toLowerCase()}' command`);
    }
    return { name, row };
  }

  #row(name: string): CommandRow | undefined {
    switch (name) {
      case "EVAL":
      case "EVALSHA":
        return {
          min: 2,
          max: Number.POSITIVE_INFINITY,
          run: (_, args) => this.#evaluate(name === "EVAL", args),
        };
      case "SCRIPT":
        return { min: 1, max: Number.POSITIVE_INFINITY, run: (_, args) => this.#script(args) };
      case "INFO":
        return { min: 0, max: Number.POSITIVE_INFINITY, run: () => this.#info() };
      case "CONFIG":
        return { min: 1, max: Number.POSITIVE_INFINITY, run: (_, args) => this.#config(args) };
      default:
        return Object.hasOwn(commands, name) ? commands[name] : undefined;
    }
  }

  #evaluate(isSource: boolean, args: ByteString[]): RedisReply {
    const first = argument(args, 0);
    const sha = isSource ? this.#digest(first) : first.toLowerCase();
    const keyCount = integer(argument(args, 1));
    if (keyCount < 0) throw new RedisReplyError("ERR Number of keys can't be negative");
    if (keyCount > args.length - 2) {
      throw new RedisReplyError("ERR Number of keys can't be greater than number of args");
    }
    if (!isSource && !this.#loaded.has(sha)) {
      throw new RedisReplyError("NOSCRIPT No matching script. Please use EVAL.");
    }
    const script = this.#known(sha);
    this.#loaded.add(sha);
    return script((command) => this.call(command), args.slice(2, 2 + keyCount), args.slice(2 + keyCount));
  }

  #known(sha: string): ScriptFunction {
    const script = this.#scripts.get(sha);
    if (script === undefined) {
      throw new RedisReplyError(
        "ERR the embedded store runs only Spillway's own scripts; start with --url or with redis-server on the PATH",
      );
    }
    return script;
  }

  #script(args: ByteString[]): RedisReply {
    switch (argument(args, 0).toUpperCase()) {
      case "LOAD": {
        const sha = this.#digest(argument(args, 1));
        this.#known(sha);
        this.#loaded.add(sha);
        return sha;
      }
      case "EXISTS":
        return args.slice(1).map((sha) => (this.#loaded.has(sha.toLowerCase()) ? 1 : 0));
      case "FLUSH":
        this.#loaded.clear();
        return "OK";
      default:
        throw syntaxError();
    }
  }

  #config(args: ByteString[]): RedisReply {
    if (argument(args, 0).toUpperCase() !== "RESETSTAT") {
      throw new RedisReplyError("ERR the embedded store knows only CONFIG RESETSTAT");
    }
    this.#calls.clear();
    return "OK";
  }

  #info(): RedisReply {
    const lines = [...this.#calls].map(
      ([name, { calls, failed }]) =>
        `cmdstat_${name.toLowerCase()}:calls=${calls},usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=${failed}`,
    );
    return [
      "# Server",
      "redis_version:7.0.0",
      "redis_mode:spillway-memory",
      "",
      "# Commandstats",
      ...lines,
      "",
    ].join("\r\n");
  }
}
