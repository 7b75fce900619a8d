import { type ByteString, type RedisCommand, type RedisReply, RedisReplyError } from "../../../src/index.ts";
import { Status } from "../lua/script-call.ts";
import { argument, type CommandRow, type CommandTable } from "./command.ts";
import { hashCommands } from "./hashes.ts";
import { keyCommands } from "./keys.ts";
import { Keyspace } from "./keyspace.ts";
import { Listeners } from "./listeners.ts";
import { listCommands } from "./lists.ts";
import { Scripts } from "./scripts.ts";
import { sortedSetCommands } from "./sorted-sets.ts";

const commands: CommandTable = { ...keyCommands, ...listCommands, ...hashCommands, ...sortedSetCommands };

/**
 * A small Redis in memory: only the commands that Spillway and a producer use, with Redis' replies and error texts.
 * Keys and values are bytes-in-a-string. Everything is synchronous, so every command is atomic.
 */
export class Store {
  readonly #keyspace: Keyspace;
  readonly #scripts = new Scripts((command) => this.#callForScript(command));
  readonly #listeners = new Listeners();
  readonly #calls = new Map<string, { calls: number; failed: number }>();

  constructor(options: { now: () => number }) {
    this.#keyspace = new Keyspace(options.now);
  }

  /** Runs one command. Throws `RedisReplyError`. */
  call(command: RedisCommand): RedisReply {
    const { name, row } = this.check(command);
    const counted = this.#calls.get(name) ?? { calls: 0, failed: 0 };
    this.#calls.set(name, counted);
    counted.calls += 1;
    this.#listeners.note(command, () => this.#keyspace.now() * 1_000);
    try {
      return row.run(this.#keyspace, command.slice(1).map(String));
    } catch (error) {
      counted.failed += 1;
      throw error instanceof RedisReplyError ? new RedisReplyError(error.serverText, { command }) : error;
    }
  }

  /** The same, with a status reply as a `Status`. */
  callWithStatus(command: RedisCommand): RedisReply | Status {
    const { row } = this.check(command);
    const reply = this.call(command);
    return typeof reply === "string" && row.isStatus?.(command.slice(1).map(String))
      ? new Status(reply)
      : reply;
  }

  /** `SUBSCRIBE`, `PSUBSCRIBE` or `MONITOR`. Returns how to end it. */
  listen([given, ...args]: RedisCommand, tell: (reply: RedisReply) => void): () => void {
    const name = given.toLowerCase();
    if (name === "monitor" && args.length === 0) return this.#listeners.monitor(tell);
    if ((name === "subscribe" || name === "psubscribe") && args.length > 0) {
      return this.#listeners.subscribe(name, args.map(String), tell);
    }
    throw new RedisReplyError(`ERR wrong number of arguments for '${name}' command`);
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

  /** Runs a command for a script, or refuses it as Redis does. */
  #callForScript(command: RedisCommand): RedisReply | Status {
    const [name, ...args] = command;
    const row = this.#row(name.toUpperCase());
    if (row === undefined) throw new RedisReplyError("ERR Unknown Redis command called from script");
    if (args.length < row.min || args.length > (row.max ?? row.min)) {
      throw new RedisReplyError("ERR Wrong number of args calling Redis command from script");
    }
    if (row.isForClients) throw new RedisReplyError("ERR This Redis command is not allowed from script");
    return this.callWithStatus(command);
  }

  #row(name: string): CommandRow | undefined {
    const max = Number.POSITIVE_INFINITY;
    switch (name) {
      case "EVAL":
        return { min: 2, max, isForClients: true, run: (_, args) => this.#scripts.evaluate(args) };
      case "EVALSHA":
        return { min: 2, max, isForClients: true, run: (_, args) => this.#scripts.evaluateByDigest(args) };
      case "SCRIPT":
        return { min: 1, max, isForClients: true, run: (_, args) => this.#scripts.manage(args) };
      case "PUBLISH":
        return { min: 2, run: (_, args) => this.#listeners.publish(argument(args, 0), argument(args, 1)) };
      case "INFO":
        return { min: 0, max, run: () => this.#info() };
      case "CONFIG":
        return { min: 1, max, isForClients: true, run: (_, args) => this.#config(args) };
      default:
        return Object.hasOwn(commands, name) ? commands[name] : undefined;
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
