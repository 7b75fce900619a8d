import { type ByteString, fromText, type RedisCommand, toTextExact } from "../../src/index.ts";

/** A request that Upstash answers with an error before any command runs. */
export class BadRequest extends Error {}

/** One command as its JSON array. Throws `BadRequest`. */
export function readCommand(body: ByteString): RedisCommand {
  const { json, text } = parseJson(body);
  if (!Array.isArray(json)) throw new BadRequest("ERR failed to parse command: a JSON array was expected");
  return toCommand(hasRoundedNumber(json) ? (parseExactly(text) as unknown[]) : json);
}

/** Several commands as their JSON arrays. Throws `BadRequest`. */
export function readCommands(body: ByteString): RedisCommand[] {
  const { json, text } = parseJson(body);
  if (!Array.isArray(json) || json.length === 0 || !json.every(Array.isArray)) {
    throw new BadRequest("ERR failed to parse pipeline request: a JSON array of JSON arrays was expected");
  }
  return (json.some(hasRoundedNumber) ? (parseExactly(text) as unknown[][]) : json).map(toCommand);
}

/**
 * One command as a path: `/set/key/value`, its segments percent-decoded to bytes, not text; then the body, where one
 * was sent, as the last argument; then the query's names and values, but for the token.
 */
export function readPath(path: string, body: ByteString | undefined, query: string): RedisCommand {
  const [name, ...args] = path.slice(1).split("/").map(percentDecode);
  if (!name) throw new BadRequest("ERR empty command");
  if (body !== undefined) args.push(body);
  for (const part of query.split("&")) {
    const at = part.indexOf("=");
    const [key, value] = (at < 0 ? [part] : [part.slice(0, at), part.slice(at + 1)]).map((text) =>
      percentDecode(text.replaceAll("+", " ")),
    );
    if (!key || key === "_token") continue;
    args.push(key);
    if (value) args.push(value);
  }
  return [name, ...args];
}

function toCommand(json: readonly unknown[]): RedisCommand {
  const [name, ...args] = json.map(readArgument);
  if (!name) throw new BadRequest("ERR empty command");
  return [name, ...args];
}

function parseJson(body: ByteString): { json: unknown; text: string } {
  const text = toTextExact(body);
  if (text === undefined) throw new BadRequest("ERR failed to parse request: the body is not valid UTF-8");
  try {
    return { json: JSON.parse(text), text };
  } catch {
    throw new BadRequest("ERR failed to parse request: the body is not valid JSON");
  }
}

/** Whether it has a number of which JavaScript may have lost digits. */
function hasRoundedNumber(command: readonly unknown[]): boolean {
  return command.some((argument) => typeof argument === "number" && !Number.isSafeInteger(argument));
}

/** The JSON with each number as the text that was sent: `12345678901234567890`, `1e400`. */
function parseExactly(text: string): unknown {
  // TypeScript does not know the third parameter yet.
  const keepSource = (_: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === "number" ? (context?.source ?? value) : value;
  try {
    return JSON.parse(text, keepSource);
  } catch {
    throw tooDeep();
  }
}

function readArgument(argument: unknown): ByteString {
  if (typeof argument === "string") return fromText(argument);
  if (typeof argument === "number" || typeof argument === "boolean") return String(argument);
  if (argument === null) return "null";
  try {
    return fromText(JSON.stringify(argument));
  } catch {
    throw tooDeep();
  }
}

function tooDeep(): BadRequest {
  return new BadRequest("ERR failed to parse request: it is nested too deeply");
}

function percentDecode(segment: string): ByteString {
  const raw = fromText(segment);
  if (!raw.includes("%")) return raw;
  return raw.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
