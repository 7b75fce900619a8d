import { type ByteString, type RedisCommand, type RedisReply, RedisReplyError } from "../../../src/index.ts";
import { sha1Hex } from "../../../src/internals.ts";
import { printNumber } from "./number-text.ts";
import { prelude } from "./prelude.ts";
import { type LuaFunctions, type LuaMachine, loadMachine, type Pointer, type State } from "./wasm.ts";

/** A status reply (`OK`), which is a table to a script, where a bulk reply is a string. */
export class Status {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Runs a command for a script. Throws `RedisReplyError` as Redis answers. */
export type ScriptCall = (command: RedisCommand) => RedisReply | Status;

/** Lua's numbers for the kinds of its values. */
const kind = { nil: 0, boolean: 1, number: 3, string: 4, table: 5 } as const;
/** What lies at the bottom of the stack for good. */
const kept = { compile: 1, run: 2, err: 3, ok: 4 } as const;
const keptCount = 4;
const roomBytesMin = 65_536;
/** How much of the stack one value may need. */
const stackCount = 4;

/**
 * The Lua of the embedded store: compiles and runs scripts as Redis does. One serves all stores of a process, because a
 * script leaves nothing behind in it.
 */
export class Interpreter {
  readonly #machine: LuaMachine = loadMachine();
  readonly #lua: LuaFunctions = this.#machine.lua;
  readonly #lengthAt: Pointer = this.#lua.malloc(4);
  /** Room for a string on its way in. */
  #room: Pointer = 0;
  #roomBytes = 0;
  readonly #compiled = new Set<string>();
  #call: ScriptCall | undefined;
  /** What went wrong on our side, to be thrown once Lua is out of the way. */
  #fault: unknown;
  readonly #state: State;

  constructor() {
    this.#state = this.#open();
  }

  /** Compiles a script, once. Throws `RedisReplyError` where it is none. */
  compile(sha: string, source: ByteString): void {
    if (this.#compiled.has(sha)) return;
    const state = this.#state;
    this.#lua.lua_pushvalue(state, kept.compile);
    this.#pushString(state, sha);
    this.#pushString(state, withoutFlags(source));
    this.#run(2, 1);
    const problem = this.#read(-1);
    this.#lua.lua_settop(state, keptCount);
    if (problem !== null) {
      throw new RedisReplyError(`ERR Error compiling script (new function): ${problem}`);
    }
    this.#compiled.add(sha);
  }

  /** Runs a script that has been compiled. Throws `RedisReplyError` where it ends by an error. */
  run(sha: string, keys: readonly ByteString[], args: readonly ByteString[], call: ScriptCall): RedisReply {
    const state = this.#state;
    this.#call = call;
    try {
      this.#lua.lua_pushvalue(state, kept.run);
      this.#pushString(state, sha);
      this.#push(state, keys as ByteString[]);
      this.#push(state, args as ByteString[]);
      this.#run(3, 2);
      if (this.#lua.lua_toboolean(state, -2) === 0) throw new RedisReplyError(this.#readString(state, -1));
      return this.#read(-1);
    } finally {
      this.#call = undefined;
      this.#lua.lua_settop(state, keptCount);
    }
  }

  #open(): State {
    const lua = this.#lua;
    const state = lua.luaL_newstate();
    for (const open of ["base", "table", "string", "math", "debug"] as const) lua[`luaopen_${open}`](state);
    lua.lua_settop(state, 0);
    // Its name in errors, as C ends a string, stands before it.
    this.#write(`=prelude\0${prelude}`);
    lua.luaL_loadbuffer(state, this.#room + "=prelude\0".length, prelude.length, this.#room);
    for (const run of [this.#onCall(true), this.#onCall(false), this.#onSha1]) {
      lua.lua_pushcclosure(state, this.#machine.register(run), 0);
    }
    if (lua.lua_pcall(state, 3, 2, 0) !== 0)
      throw new Error(`Lua does not start: ${this.#readString(state, -1)}`);
    this.#pushString(state, "err");
    this.#pushString(state, "ok");
    return state;
  }

  /** Calls what lies below so many arguments. Lua's own errors are results of it, so that none is left but a lack of memory. */
  #run(argumentCount: number, resultCount: number): void {
    this.#fault = undefined;
    const code = this.#lua.lua_pcall(this.#state, argumentCount, resultCount, 0);
    if (this.#fault !== undefined) throw this.#fault;
    if (code !== 0) throw new RedisReplyError(`ERR ${this.#readString(this.#state, -1)}`);
  }

  /** `redis.call`, which throws what Redis answers, or `redis.pcall`, which returns it. */
  #onCall(throws: boolean): (state: State) => number {
    return (state) => {
      let hasFailed = false;
      try {
        this.#push(state, (this.#call as ScriptCall)(this.#readCommand(state)));
      } catch (error) {
        hasFailed = throws || !(error instanceof RedisReplyError);
        if (!(error instanceof RedisReplyError)) this.#fault = error;
        this.#pushField(state, kept.err, error instanceof RedisReplyError ? error.message : "ERR");
      }
      // Outside of what catches: Lua throws by an exception that is none of ours.
      return hasFailed ? this.#lua.lua_error(state) : 1;
    };
  }

  #onSha1 = (state: State): number => {
    const isGood = this.#lua.lua_gettop(state) === 1;
    if (isGood) this.#pushString(state, sha1Hex(this.#readArgument(state, 1) ?? ""));
    else this.#pushField(state, kept.err, "ERR wrong number of arguments");
    return isGood ? 1 : this.#lua.lua_error(state);
  };

  #readCommand(state: State): RedisCommand {
    const count = this.#lua.lua_gettop(state);
    if (count === 0) {
      throw new RedisReplyError("ERR Please specify at least one argument for this redis lib call");
    }
    const command: ByteString[] = [];
    for (let at = 1; at <= count; at++) {
      const argument = this.#readArgument(state, at);
      if (argument === undefined) {
        throw new RedisReplyError("ERR Lua redis lib command arguments must be strings or integers");
      }
      command.push(argument);
    }
    return command as [ByteString, ...ByteString[]];
  }

  #readArgument(state: State, index: number): ByteString | undefined {
    switch (this.#lua.lua_type(state, index)) {
      case kind.string:
        return this.#readString(state, index);
      case kind.number:
        return printNumber(this.#lua.lua_tonumber(state, index));
      default:
        return undefined;
    }
  }

  #readString(state: State, index: number): ByteString {
    const at = this.#lua.lua_tolstring(state, index, this.#lengthAt);
    const bytes = this.#machine.bytes();
    return bytes.toString("latin1", at, at + bytes.readUInt32LE(this.#lengthAt));
  }

  /** A script's value as a reply. */
  #read(index: number): RedisReply {
    const [lua, state] = [this.#lua, this.#state];
    switch (lua.lua_type(state, index)) {
      case kind.string:
        return this.#readString(state, index);
      case kind.number:
        // No number of Redis' is a negative zero.
        return Math.trunc(lua.lua_tonumber(state, index)) + 0;
      case kind.boolean:
        return lua.lua_toboolean(state, index) === 0 ? null : 1;
      case kind.table:
        return this.#readTable(index);
      default:
        return null;
    }
  }

  #readTable(given: number): RedisReply {
    const [lua, state] = [this.#lua, this.#state];
    if (lua.lua_checkstack(state, stackCount) === 0) throw new RedisReplyError("ERR reached lua stack limit");
    const index = given < 0 ? lua.lua_gettop(state) + 1 + given : given;
    for (const field of [kept.err, kept.ok]) {
      lua.lua_pushvalue(state, field);
      lua.lua_rawget(state, index);
      const text = lua.lua_type(state, -1) === kind.string ? this.#readString(state, -1) : undefined;
      lua.lua_settop(state, -2);
      if (text === undefined) continue;
      const line = text.replace(/[\r\n]/g, " ");
      if (field === kept.ok) return line;
      throw new RedisReplyError(line);
    }
    const values: RedisReply[] = [];
    for (let at = 1; ; at++) {
      lua.lua_rawgeti(state, index, at);
      const isEnd = lua.lua_type(state, -1) === kind.nil;
      if (!isEnd) values.push(this.#read(-1));
      lua.lua_settop(state, -2);
      if (isEnd) return values;
    }
  }

  /** A reply as a script's value. */
  #push(state: State, reply: RedisReply | Status): void {
    const lua = this.#lua;
    if (reply === null) lua.lua_pushboolean(state, 0);
    else if (typeof reply === "string") this.#pushString(state, reply);
    else if (typeof reply === "number") lua.lua_pushnumber(state, reply);
    else if (reply instanceof Status) this.#pushField(state, kept.ok, reply.text);
    else {
      lua.lua_checkstack(state, stackCount);
      lua.lua_createtable(state, reply.length, 0);
      for (let at = 0; at < reply.length; at++) {
        this.#push(state, reply[at] as RedisReply);
        lua.lua_rawseti(state, -2, at + 1);
      }
    }
  }

  /** A table of one field. */
  #pushField(state: State, field: number, text: ByteString): void {
    const lua = this.#lua;
    lua.lua_createtable(state, 0, 1);
    this.#pushString(state, field === kept.err ? "err" : "ok");
    this.#pushString(state, text);
    lua.lua_rawset(state, -3);
  }

  #pushString(state: State, text: ByteString): void {
    this.#write(text);
    this.#lua.lua_pushlstring(state, this.#room, text.length);
  }

  #write(text: ByteString): void {
    if (text.length > this.#roomBytes) {
      this.#lua.free(this.#room);
      this.#roomBytes = Math.max(roomBytesMin, 2 * text.length);
      this.#room = this.#lua.malloc(this.#roomBytes);
      if (this.#room === 0) throw new Error(`Lua's machine has no room for ${text.length} bytes.`);
    }
    this.#machine.bytes().write(text, this.#room, "latin1");
  }
}

const knownFlags = new Set(["no-writes", "allow-oom", "allow-stale", "no-cluster", "allow-cross-slot-keys"]);

/** The script without `#!lua flags=…`, its line kept so that errors name the right one. */
function withoutFlags(source: ByteString): ByteString {
  if (!source.startsWith("#!")) return source;
  const end = source.indexOf("\n");
  if (end < 0) throw new RedisReplyError("ERR Invalid script shebang");
  const [engine, ...words] = source.slice(0, end).trim().split(/\s+/);
  if (engine !== "#!lua") throw new RedisReplyError(`ERR Unexpected engine in script shebang: ${engine}`);
  for (const word of words) {
    if (!word.startsWith("flags=")) throw new RedisReplyError(`ERR Unknown lua shebang option: ${word}`);
    for (const flag of word.slice("flags=".length).split(",")) {
      if (flag !== "" && !knownFlags.has(flag)) {
        throw new RedisReplyError(`ERR Unexpected flag in script shebang: ${flag}`);
      }
    }
  }
  return source.slice(end);
}

let shared: Interpreter | undefined;

/** The interpreter of this process, loaded by the first who asks. */
export function interpreter(): Interpreter {
  shared ??= new Interpreter();
  return shared;
}
