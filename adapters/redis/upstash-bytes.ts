import { type ByteString, type RedisCommand, toBytes, toTextExact } from "../../src/index.ts";

/** The command as texts for JSON; undefined where an argument is not UTF-8. */
export function textArguments(command: RedisCommand): (string | number)[] | undefined {
  const texts: (string | number)[] = [];
  for (const argument of command) {
    const text = toTextArgument(argument);
    if (text === undefined) return undefined;
    texts.push(text);
  }
  return texts;
}

/**
 * Runs a command whose bytes arrive as characters: U+0080 to U+00FF stand for the bytes of these numbers, and U+0100 to U+011F for
 * the control characters, which JSON would write with six bytes each.
 * KEYS[1] the command's key; ARGV its name, then its other arguments. Returns the command's reply or error.
 */
const script = `local bytes = {}
for i = 128, 287 do
  bytes[string.char(192 + math.floor(i / 64), 128 + i % 64)] = string.char(i % 256)
end
local command = {ARGV[1], KEYS[1]}
for i = 2, #ARGV do command[i + 1] = (ARGV[i]:gsub('[\\194-\\196][\\128-\\191]', bytes)) end
return redis.pcall(unpack(command))`;

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it stands in for.
const controls = /[\x00-\x1f]/g;

/** A probe that shows whether scripts may run. */
export const noScript: RedisCommand = ["EVAL", "return 1", 0];

/** Commands whose first argument is their only key, and which may run within a script. */
const scriptable = new Set(["LPUSH", "RPUSH", "LREM", "ZADD", "ZREM", "HSET", "HDEL", "SADD", "SREM", "SET"]);

/** The most arguments that Lua's stack takes. */
const argumentCountMax = 7_000;

/** A command in texts that runs the given one by a script; undefined where that is not possible. */
export function asScript([name, key, ...args]: RedisCommand): (string | number)[] | undefined {
  const text = key === undefined ? undefined : toTextArgument(key);
  if (text === undefined || !scriptable.has(name.toUpperCase()) || args.length > argumentCountMax)
    return undefined;
  const escaped = args.map((argument) =>
    String(argument).replace(controls, (control) => String.fromCharCode(256 + control.charCodeAt(0))),
  );
  return ["EVAL", script, 1, text, name, ...escaped];
}

/** Splits `LPUSH` and `RPUSH` of several values into commands with one value each. The last reply is the same. */
export function split(command: RedisCommand): RedisCommand[] {
  const [name, key, ...values] = command;
  if (key === undefined || values.length < 2 || !/^[LR]PUSH$/i.test(name)) return [command];
  return values.map((value) => [name, key, value]);
}

/** The command as a path, and its last argument as the body of the request: bytes of any kind and length. */
export function asPath(command: RedisCommand): { path: string; body: Uint8Array<ArrayBuffer> } {
  const last = String(command.at(-1));
  // An empty body would be taken for no body.
  const inPath = last === "" ? command : command.slice(0, -1);
  return { path: inPath.map((argument) => percentEncode(String(argument))).join("/"), body: toBytes(last) };
}

/** Whether the command means the same in a script and as a path. */
export function isScriptable([name]: RedisCommand): boolean {
  return scriptable.has(name.toUpperCase());
}

/** Whether its last argument alone is long, so that it can go as a path. */
export function fitsPath(command: RedisCommand): boolean {
  return scriptable.has(command[0].toUpperCase()) && byteLength(command.slice(0, -1)) < pathBytesMax;
}

/** Even escaped, which is three times as long, this fits into any server's limit for a URL. */
const pathBytesMax = 1_000;

export function byteLength(command: readonly (ByteString | number)[]): number {
  return command.reduce<number>((sum, argument) => sum + String(argument).length, 0);
}

function toTextArgument(argument: ByteString | number): string | number | undefined {
  return typeof argument === "string" ? toTextExact(argument) : argument;
}

function percentEncode(raw: ByteString): string {
  return raw.replace(
    /[^A-Za-z0-9_~-]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}
