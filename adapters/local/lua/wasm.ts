import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** An address in the memory of the machine. */
export type Pointer = number;
/** A Lua state, by its address. */
export type State = number;

/** What is used of Lua 5.1's C interface; the manual's chapter 3 describes each. */
export interface LuaFunctions {
  luaL_newstate(): State;
  luaL_loadbuffer(state: State, text: Pointer, length: number, name: Pointer): number;
  luaopen_base(state: State): number;
  luaopen_debug(state: State): number;
  luaopen_math(state: State): number;
  luaopen_string(state: State): number;
  luaopen_table(state: State): number;
  lua_checkstack(state: State, count: number): number;
  lua_createtable(state: State, arrayCount: number, fieldCount: number): void;
  lua_error(state: State): number;
  lua_gettop(state: State): number;
  lua_pcall(state: State, argumentCount: number, resultCount: number, handler: number): number;
  lua_pushboolean(state: State, value: number): void;
  lua_pushcclosure(state: State, tableIndex: number, upvalueCount: number): void;
  lua_pushlstring(state: State, text: Pointer, length: number): void;
  lua_pushnumber(state: State, value: number): void;
  lua_pushvalue(state: State, index: number): void;
  lua_rawget(state: State, index: number): void;
  lua_rawgeti(state: State, index: number, at: number): void;
  lua_rawset(state: State, index: number): void;
  lua_rawseti(state: State, index: number, at: number): void;
  lua_sethook(state: State, hook: number, mask: number, count: number): void;
  lua_settop(state: State, index: number): void;
  lua_toboolean(state: State, index: number): number;
  lua_tolstring(state: State, index: number, length: Pointer): Pointer;
  lua_tonumber(state: State, index: number): number;
  lua_type(state: State, index: number): number;
  malloc(bytes: number): Pointer;
  free(at: Pointer): void;
}

interface Exports extends LuaFunctions {
  readonly memory: WebAssembly.Memory;
  readonly __indirect_function_table: WebAssembly.Table;
  __wasm_call_ctors(): void;
  setThrew(threw: number, value: number): void;
  stackSave(): Pointer;
  stackRestore(at: Pointer): void;
}

/** Lua 5.1, the version that Redis has, as WebAssembly. */
export interface LuaMachine {
  readonly lua: LuaFunctions;
  /** Its memory, which may be another object after any call. */
  bytes(): Buffer;
  /** Makes a function of ours one that Lua can be given; it takes a state and returns how many results it has pushed. */
  register(run: (state: State) => number): number;
  /** Has a function of ours called each so many instructions, of coroutines too that are made in this state. */
  onCount(state: State, instructionCount: number, run: () => void): void;
}

/** A hook that is called each so many instructions. */
const maskCount = 8;
const pageBytes = 65_536;
/** How WASI says that there is no such thing here. */
const notSupported = 52;
/** Thrown in place of C's `longjmp`. */
const jump = new Error("A Lua error was thrown where nothing catches it.");

/** Loads the machine. It has no files, no clock, no environment and no network: functions that need one fail. */
export function loadMachine(): LuaMachine {
  const module = new WebAssembly.Module(readFileSync(wasmFile()));
  const imports: Record<"env" | "wasi_snapshot_preview1", Record<string, unknown>> = {
    env: {},
    wasi_snapshot_preview1: {},
  };
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    imports[from as keyof typeof imports][name] = (): number => {
      if (from === "env") throw new Error(`Lua's machine has no ${name}.`);
      return notSupported;
    };
  }
  Object.assign(imports.env, {
    invoke_vii: (index: number, first: number, second: number): void => {
      const stack = exports.stackSave();
      try {
        exports.__indirect_function_table.get(index)(first, second);
      } catch (error) {
        exports.stackRestore(stack);
        if (error !== jump) throw error;
        exports.setThrew(1, 0);
      }
    },
    _emscripten_throw_longjmp: (): never => {
      throw jump;
    },
    emscripten_memcpy_js: (to: Pointer, from: Pointer, length: number): void => {
      bytes().copyWithin(to, from, from + length);
    },
    emscripten_resize_heap: (wanted: number): number => {
      const missing = Math.ceil(((wanted >>> 0) - exports.memory.buffer.byteLength) / pageBytes);
      // Grow by half as much again, so that this happens rarely.
      for (const pages of [missing + (exports.memory.buffer.byteLength >> 17), missing]) {
        try {
          exports.memory.grow(pages);
          return 1;
        } catch {}
      }
      return 0;
    },
  });
  const exports = new WebAssembly.Instance(module, imports as WebAssembly.Imports)
    .exports as unknown as Exports;
  let view = Buffer.from(exports.memory.buffer);
  const bytes = (): Buffer => {
    // When the memory grows, its old buffer is emptied.
    if (view.length === 0) view = Buffer.from(exports.memory.buffer);
    return view;
  };
  exports.__wasm_call_ctors();
  const register = (run: () => unknown, type: readonly number[]): number => {
    const index = exports.__indirect_function_table.grow(1);
    exports.__indirect_function_table.set(index, asWasmFunction(run, type));
    return index;
  };
  return {
    lua: exports,
    bytes,
    register: (run) => register(run as () => number, functionType),
    onCount: (state, instructionCount, run) =>
      exports.lua_sethook(state, register(run, hookType), maskCount, instructionCount),
  };
}

/** `(i32) → i32`, and `(i32, i32) → ()`, as a section of types. */
const functionType = [1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f] as const;
const hookType = [1, 6, 1, 0x60, 2, 0x7f, 0x7f, 0] as const;

/** A table of WebAssembly takes only functions of WebAssembly, so this makes a module that exports the one function it imports. */
function asWasmFunction(run: () => unknown, type: readonly number[]): unknown {
  const [imported, exported] = [
    [2, 7, 1, 1, 0x65, 1, 0x66, 0, 0],
    [7, 5, 1, 1, 0x66, 0, 0],
  ] as const;
  const head = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  const module = new WebAssembly.Module(new Uint8Array([...head, ...type, ...imported, ...exported]));
  return new WebAssembly.Instance(module, { e: { f: run } }).exports.f;
}

/** In the built package the file lies beside us; in the sources it is where npm has put it. */
function wasmFile(): URL | string {
  const beside = new URL("./liblua5.1.wasm", import.meta.url);
  if (existsSync(beside)) return beside;
  return createRequire(import.meta.url).resolve("wasmoon-lua5.1/dist/liblua5.1.wasm");
}
