import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Backend } from "../../adapters/local/backend.ts";
import { memory } from "../../adapters/local/memory.ts";
import { redisBackend } from "../../adapters/local/redis-backend.ts";
import type { RedisServer } from "../../adapters/local/redis-process.ts";
import { RedisReplyError } from "../../src/index.ts";
import { sha1Hex } from "../../src/internals.ts";
import { startTestRedis } from "../support/redis.ts";
import { endlessScripts } from "./endless-scripts.ts";

const everyByte = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join("");

/** Scripts, what each shows, and the arguments it is given. One key, `k`, holds a list. */
const scripts: readonly [shows: string, script: string, ...args: string[]][] = [
  ["nothing", ""],
  ["integers", "return 7"],
  ["that fractions are cut off", "return {3.99, -3.99, 0.5, 1e15, -0.0}"],
  ["true, false and nil", "return {true, false, 'x'}"],
  ["false alone", "return false"],
  ["that nil ends an array", "return {1, nil, 3}"],
  ["nested tables", "return {1, {2, {3, {'four'}}}, {}}"],
  ["named fields as nothing", "return {a = 1}"],
  ["a status", "return {ok = 'FINE'}"],
  ["an error", "return {err = 'MINE it is broken'}"],
  ["a status of two lines", "return {ok = 'two\\nlines'}"],
  ["redis.status_reply", "return redis.status_reply('FINE')"],
  ["redis.error_reply", "return redis.error_reply('MINE it is broken')"],
  ["redis.error_reply with a code", "return redis.error_reply('-MINE it is broken')"],
  ["redis.error_reply of one word", "return redis.error_reply('-MINE')"],
  ["redis.error_reply of a number", "return redis.error_reply(1)"],
  ["bytes of every value", "return {ARGV[1], #ARGV[1]}", everyByte],
  ["bytes through a key", "redis.call('SET', 'b', ARGV[1]) return redis.call('GET', 'b')", everyByte],
  ["an empty argument", "return {ARGV[1], #ARGV, ARGV[2]}", ""],
  ["bytes made by Lua", "return string.char(0, 255, 128) .. '\\0\\1'"],
  ["a long string", "return {#ARGV[1], ARGV[1]:sub(-3)}", `${"x".repeat(300_000)}end`],
  ["a status of redis.call", "return redis.call('SET', 'x', '1').ok"],
  ["a missing value of redis.call", "return redis.call('GET', 'no') == false"],
  ["a refused SET", "redis.call('SET', 'x', 1) return {redis.call('SET', 'x', 2, 'NX') == false}"],
  ["that SET with GET gives a string", "redis.call('SET', 'x', 1) return redis.call('SET', 'x', 2, 'GET')"],
  ["TYPE as a status", "return redis.call('TYPE', 'k').ok"],
  ["PING both ways", "return {redis.call('PING').ok, redis.call('PING', 'p')}"],
  ["integers of redis.call", "return {redis.call('LLEN', 'k'), type(redis.call('LLEN', 'k'))}"],
  ["arrays of redis.call", "return redis.call('LRANGE', 'k', 0, -1)"],
  [
    "numbers as arguments",
    "redis.call('RPUSH', 'n', 1, 1.5, 1e20, 0.1, -7, 2^53, 1e-5, 1/3, 1e-7, 1e300, 12345678901234567) return redis.call('LRANGE', 'n', 0, -1)",
  ],
  [
    "numbers as text",
    "return {1 .. '', 10 / 2 .. '', 0.1 .. '', 1e15 .. '', 2^53 .. '', 1e100 .. '', tostring(-1.5)}",
  ],
  [
    "one kind of number",
    "return {tostring(3 / 2), tostring(4 / 2), tostring(7 % 3), tostring(-7 % 3), tostring(2^31 * 2)}",
  ],
  ["math.floor of large numbers", "return tostring(math.floor(1795464424117123 / 1000))"],
  [
    "string.format",
    "return {string.format('%.0f', 1795464424117), string.format('%d', 3), string.format('%d', 3.0), string.format('%06d.%05d', 12, 3), string.format('%s %q', 1, 'a\\0b'), string.format('%5.2f|%x|%g', 1.005, 255, 1e20)}",
  ],
  ["string.format of a fraction", "return string.format('%d', 3.7)"],
  [
    "tonumber",
    "return {tonumber('10') , tonumber('0x10'), tonumber('1e3'), tonumber(' 5 '), tonumber('z', 36), tostring(tonumber('x'))}",
  ],
  ["unpack", "return {unpack({1, 2, 3}, 2)}"],
  ["too much for unpack", "local all = {} for at = 1, 9000 do all[at] = at end return {unpack(all)}"],
  [
    "unpack into a command",
    "redis.call('RPUSH', 'u', unpack({'a', 'b', 'c'})) return redis.call('LLEN', 'u')",
  ],
  [
    "what Lua 5.1 has",
    "return {table.getn({1, 2}), _VERSION, type(loadstring), math.mod and 1 or 0, tostring(table.unpack), tostring(math.type)}",
  ],
  ["loadstring", "return loadstring('return 6 * 7')()"],
  ["load", "local parts = {'return ', '6'} return load(function() return table.remove(parts, 1) end)()"],
  [
    "table functions",
    "local all = {'c', 'a', 'b'} table.sort(all) table.insert(all, 'd') return {table.concat(all, ','), table.remove(all)}",
  ],
  [
    "patterns",
    "local found = {} for word in ('a,b,,c'):gmatch('([^,]*),?') do found[#found + 1] = word end return found",
  ],
  ["gsub with a function", "return {('hello'):gsub('l', function(letter) return letter:upper() end)}"],
  [
    "coroutines",
    "local co = coroutine.wrap(function() coroutine.yield(redis.call('LLEN', 'k')) return 2 end) return {co(), co()}",
  ],
  ["metatables", "return setmetatable({1}, {__index = function() return 9 end})"],
  ["redis.sha1hex", "return {redis.sha1hex(''), redis.sha1hex(ARGV[1]), redis.sha1hex(12)}", everyByte],
  ["redis.sha1hex of nothing", "return redis.sha1hex()"],
  ["an error of redis.call", "return redis.call('GET', 'k')"],
  ["an error of redis.call further down", "local value = 1\n\nredis.call('GET', 'k')\nreturn value"],
  ["an error of redis.pcall", "return redis.pcall('GET', 'k')"],
  [
    "an error of redis.pcall as a table",
    "local reply = redis.pcall('GET', 'k') return {type(reply), reply.err}",
  ],
  [
    "an error of redis.call in pcall",
    "local isDone, reply = pcall(redis.call, 'GET', 'k') return {isDone, type(reply), reply.err}",
  ],
  ["that writes before an error stay", "redis.call('SET', 'w', 1) redis.call('GET', 'k')"],
  ["an unknown command", "return redis.call('NOPE', 1)"],
  ["too few arguments", "return redis.call('GET')"],
  ["a command that scripts may not call", "return redis.call('EVAL', 'return 1', 0)"],
  ["no arguments", "return redis.call()"],
  ["arguments that are none", "return redis.call('SET', 'x', {})"],
  ["a table as command", "return redis.pcall({})"],
  ["error of a string", "error('MINE')"],
  ["error without a place", "error('MINE', 0)"],
  ["error of a table", "error({err = 'MINE it is broken'})"],
  ["error in a function", "local function fail()\n  error('deep')\nend\nfail()"],
  ["assert", "assert(false, 'MINE')"],
  ["an error of Lua", "return nil + 1"],
  ["an error of a library", "return ('x'):rep({})"],
  ["an endless recursion", "local function again() return 1 + again() end return again()"],
  ["pcall and error", "local isDone, text = pcall(error, 'x', 0) return {isDone, text}"],
  ["xpcall", "return {xpcall(function() error('x', 0) end, function(text) return text .. '!' end)}"],
  ["what is no script", "return return"],
  ["what does not end", "return {"],
  ["compiled code", "return loadstring('\\27Lua') == nil"],
  ["a global of no one", "return nothing"],
  ["making a global", "made = 1"],
  ["making a global by _G", "_G.made = 1"],
  ["making a global by rawset", "rawset(_G, 'made', 1)"],
  ["a fraction of nothing", "return 0/0 == 0/0"],
  ["pcall of what returns nothing", "return select('#', pcall(function() end))"],
  ["pcall of an error that is another table", "return {pcall(error, {1})}"],
  ["changing a library", "string.made = 1"],
  ["changing redis", "redis.call = nil"],
  [
    "what a sandbox leaves out",
    "return {pcall(function() return io end), pcall(function() return require end), pcall(function() return print end), pcall(function() return dofile end), pcall(function() return debug end)}",
  ],
  ["that KEYS and ARGV may change", "KEYS[1] = 'x' ARGV[9] = 'y' return {KEYS[1], ARGV[9]}"],
  ["a first line with flags", "#!lua flags=allow-oom,no-writes\nreturn redis.call('GET', 'k')"],
  ["a first line without flags", "#!lua\nreturn 1"],
  ["a first line of another language", "#!js\nreturn 1"],
  ["a first line with an unknown flag", "#!lua flags=fast\nreturn 1"],
  ["an error in an array", "return {1, {err='ERR in it'}, {{ok='FINE'}, {err='ERR deeper'}}, 2}"],
  ["an error of redis.pcall in an array", "return {redis.pcall('LPOP'), redis.pcall('SET', 'a', 'b')}"],
  ["a first line with an unknown option", "#!lua speed=fast\nreturn 1"],
];

/** A reply, the errors in it as their texts. */
function shown(reply: unknown): unknown {
  if (Array.isArray(reply)) return reply.map(shown);
  return reply instanceof RedisReplyError ? { error: reply.serverText } : reply;
}

describe("scripts on the embedded store", () => {
  let server: RedisServer;
  let real: Backend;

  beforeAll(async () => {
    server = await startTestRedis();
    real = redisBackend({ url: server.url });
  });

  afterAll(async () => {
    await real.close();
    await server.stop();
  });

  const answer = (backend: Backend, script: string, args: readonly string[]): Promise<unknown> =>
    backend
      .command(["EVAL", script, 1, "k", ...args])
      .then(shown, (error: RedisReplyError) => ({ error: error.serverText }));

  it.each(scripts)("answer as on a real Redis: %s", async (_, script, ...args) => {
    const store = memory();
    await real.command(["FLUSHALL"]);
    for (const backend of [real, store]) await backend.command(["RPUSH", "k", "one", "two"]);
    const wanted = await answer(real, script, args);
    expect(await answer(store, script, args)).toEqual(wanted);
    // Once more, from what it keeps of the first time.
    expect(await answer(store, script, args)).toEqual(await answer(real, script, args));
    const keys = (backend: Backend): Promise<unknown> =>
      backend.command(["KEYS", "*"]).then((found) => (found as string[]).sort());
    expect(await keys(store)).toEqual(await keys(real));
  });

  it.each(["cjson", "cmsgpack", "struct", "bit"])("say plainly that there is no %s", async (name) => {
    const store = memory();
    await expect(store.command(["EVAL", `return ${name}.x`, 0])).rejects.toThrow(
      `the embedded store has no library ${name}`,
    );
  });

  // Others are in `test/long/endless-scripts.test.ts`.
  endlessScripts([
    ["a loop that catches errors", "while true do pcall(function() while true do end end) end"],
  ]);

  it("that return a table in itself are refused", async () => {
    const script = "local t = {} t[1] = t return t";
    await expect(memory().command(["EVAL", script, 0])).rejects.toThrow("reached lua stack limit");
  });

  it("may be many: those that were only evaluated are forgotten at last, those that were loaded are not", async () => {
    const store = memory();
    const sha = (await store.command(["SCRIPT", "LOAD", "return 'loaded'"])) as string;
    await store.command(["EVAL", "return 'evaluated'", 0]);
    for (let at = 0; at < 600; at++) await store.command(["EVAL", `return ${at}`, 0]);
    expect(await store.command(["EVALSHA", sha, 0])).toBe("loaded");
    expect(await store.command(["SCRIPT", "EXISTS", sha, sha1Hex("return 'evaluated'")])).toEqual([1, 0]);
    expect(await store.command(["EVAL", "return 'evaluated'", 0])).toBe("evaluated");
  });

  it("leave nothing behind for the scripts of another store", async () => {
    await memory()
      .command(["EVAL", "rawset(_G, 'left', 1) return 1", 0])
      .catch(() => undefined);
    await memory()
      .command(["EVAL", "getmetatable('').__index = nil", 0])
      .catch(() => undefined);
    await expect(memory().command(["EVAL", "return left", 0])).rejects.toThrow(/nonexistent global/);
    expect(await memory().command(["EVAL", "return ('x'):rep(3)", 0])).toBe("xxx");
  });

  it("are known by their digest to the store that has run or loaded them, until it forgets them", async () => {
    const [store, other] = [memory(), memory()];
    const sha = (await store.command(["SCRIPT", "LOAD", "return ARGV[1]"])) as string;
    expect(await store.command(["EVALSHA", sha.toUpperCase(), 0, "x"])).toBe("x");
    await expect(other.command(["EVALSHA", sha, 0])).rejects.toThrow(/^NOSCRIPT/);
    await other.command(["EVAL", "return ARGV[1]", 0]);
    expect(await other.command(["SCRIPT", "EXISTS", sha, "0".repeat(40)])).toEqual([1, 0]);
    await store.command(["SCRIPT", "FLUSH"]);
    await expect(store.command(["EVALSHA", sha, 0])).rejects.toThrow(/^NOSCRIPT/);
  });
});
