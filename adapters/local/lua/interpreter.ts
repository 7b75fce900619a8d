import { type ByteString, type RedisCommand, type RedisReply, RedisReplyError } from "../../../src/index.ts";
import { sha1Hex } from "../../../src/internals.ts";
import { printNumber } from "./number-text.ts";
import { prelude } from "./prelude.ts";
import { EndlessScript, instructionsMax, type ScriptCall, Status } from "./script-call.ts";
import { withoutFlags } from "./shebang.ts";
import { type LuaFunctions, type LuaMachine, loadMachine, type Pointer, type State } from "./wasm.ts";

/** Lua's numbers for the kinds of its values. */
const kind = { nil: 0, boolean: 1, number: 3, string: 4, table: 5 } as const;
/** Values that always lie at the bottom of the stack. */
const kept = { compile: 1, run: 2, err: 3, ok: 4 } as const;
const keptCount = 4;
const roomBytesMin = 65_536;
/** How much of the stack one value may need. */
const stackCount = 4;
/** How deep tables may be nested in a reply. */
const depthMax = 1_000;
/** How many scripts stay compiled; others are compiled again when they run again. */
const compiledMax = 200;
/** How often instructions are counted. */
const instructionsStep = 1_000_000;

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
  /** The first is the one that was used longest ago. */
  readonly #compiled = new Set<string>();
  #instructionCount = 0;
  #isBroken = false;
  #call: ScriptCall | undefined;
  /** An error outside Lua, to be thrown once Lua has returned. */
  #fault: unknown;
  readonly #state: State;

  constructor() {
    this.#state = this.#open();
  }

  /** Whether an exception passed through Lua, so that its state cannot be trusted any more. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Compiles a script, unless it is compiled already. Throws `RedisReplyError` for what is no script. */
  compile(sha: string, source: ByteString): void {
    if (this.#compiled.delete(sha)) {
      this.#compiled.add(sha);
      return;
    }
    const problem = this.#enter(() => {
      this.#callCompile(sha, withoutFlags(source));
      return this.#read(-1);
    });
    if (problem !== null) {
      throw new RedisReplyError(`ERR Error compiling script (new function): ${problem}`);
    }
    this.#compiled.add(sha);
    const [oldest = ""] = this.#compiled;
    if (this.#compiled.size <= compiledMax) return;
    this.#compiled.delete(oldest);
    this.#enter(() => this.#callCompile(oldest, undefined));
  }

  /**
   * Runs a compiled script. Throws `RedisReplyError` where it ends with an error or does not end. What it has written until then
   * stays.
   */
  run(sha: string, keys: readonly ByteString[], args: readonly ByteString[], call: ScriptCall): RedisReply {
    const state = this.#state;
    this.#call = call;
    try {
      const reply = this.#enter(() => {
        this.#lua.lua_pushvalue(state, kept.run);
        this.#pushString(state, sha);
        this.#push(state, keys as ByteString[]);
        this.#push(state, args as ByteString[]);
        this.#run(3, 2);
        if (this.#lua.lua_toboolean(state, -2) === 0) throw new RedisReplyError(this.#readString(state, -1));
        return this.#read(-1);
      });
      if (reply instanceof RedisReplyError) throw reply;
      return reply;
    } finally {
      this.#call = undefined;
    }
  }

  /** Runs `work` and leaves the stack as it was. Where it throws anything but an error of Redis, this machine is not used again. */
  #enter<Value>(work: () => Value): Value {
    this.#instructionCount = 0;
    try {
      return work();
    } catch (error) {
      this.#isBroken = !(error instanceof RedisReplyError) || error instanceof EndlessScript;
      throw error;
    } finally {
      if (!this.#isBroken) this.#lua.lua_settop(this.#state, keptCount);
    }
  }

  /** Without a source, forgets the script. */
  #callCompile(sha: string, source: ByteString | undefined): void {
    const state = this.#state;
    this.#lua.lua_pushvalue(state, kept.compile);
    this.#pushString(state, sha);
    if (source !== undefined) this.#pushString(state, source);
    this.#run(source === undefined ? 1 : 2, 1);
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
    this.#machine.onCount(state, instructionsStep, this.#onCount);
    return state;
  }

  /** Calls the function below so many arguments. It returns Lua's errors as results, so only a lack of memory throws here. */
  #run(argumentCount: number, resultCount: number): void {
    this.#fault = undefined;
    const code = this.#lua.lua_pcall(this.#state, argumentCount, resultCount, 0);
    if (this.#fault !== undefined) throw this.#fault;
    if (code !== 0) throw new RedisReplyError(`ERR ${this.#readString(this.#state, -1)}`);
  }

  /** Throws an exception through Lua: a script could catch an error of Lua's and go on. */
  #onCount = (): void => {
    this.#instructionCount += instructionsStep;
    if (this.#instructionCount > instructionsMax) throw new EndlessScript();
  };

  /** `redis.call`, which throws what Redis answers, or `redis.pcall`, which returns it. */
  #onCall(throws: boolean): (state: State) => number {
    return (state) => {
      let hasFailed = false;
      try {
        this.#push(state, (this.#call as ScriptCall)(this.#readCommand(state)));
      } catch (error) {
        hasFailed = throws || !(error instanceof RedisReplyError);
        if (!(error instanceof RedisReplyError)) this.#fault = error;
        this.#pushField(state, kept.err, error instanceof RedisReplyError ? error.serverText : "ERR");
      }
      // Outside the `try`, since Lua throws by an exception of its own.
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

  /** A script's value as a reply. An error inside an array is a reply too, as in Redis. */
  #read(index: number, depth = 0): RedisReply | RedisReplyError {
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
        return this.#readTable(index, depth + 1);
      default:
        return null;
    }
  }

  #readTable(given: number, depth: number): RedisReply | RedisReplyError {
    const [lua, state] = [this.#lua, this.#state];
    if (depth > depthMax || lua.lua_checkstack(state, stackCount) === 0)
      throw new RedisReplyError("ERR reached lua stack limit");
    const index = given < 0 ? lua.lua_gettop(state) + 1 + given : given;
    for (const field of [kept.err, kept.ok]) {
      lua.lua_pushvalue(state, field);
      lua.lua_rawget(state, index);
      const text = lua.lua_type(state, -1) === kind.string ? this.#readString(state, -1) : undefined;
      lua.lua_settop(state, -2);
      if (text === undefined) continue;
      const line = text.replace(/[\r\n]/g, " ");
      if (field === kept.ok) return line;
      return new RedisReplyError(line);
    }
    const values: RedisReply[] = [];
    for (let at = 1; ; at++) {
      lua.lua_rawgeti(state, index, at);
      const isEnd = lua.lua_type(state, -1) === kind.nil;
      if (!isEnd) values.push(this.#read(-1, depth) as RedisReply);
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

let shared: Interpreter | undefined;

/** The interpreter of this process, loaded on first use. */
export function interpreter(): Interpreter {
  if (shared === undefined || shared.isBroken) shared = new Interpreter();
  return shared;
}
