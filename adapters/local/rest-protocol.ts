import {
  type ByteString,
  fromText,
  type RedisCommand,
  type RedisReply,
  RedisReplyError,
  toText,
} from "../../src/index.ts";
import type { JsonText } from "./json-text.ts";

/** A request that Upstash answers with an error before any command runs. */
export class BadRequest extends Error {}

/** Commands that make no sense on a connection that is shared or does not last; Upstash' REST refuses them too. */
const unsupported = new Set(
  (
    "AUTH BLMOVE BLMPOP BLPOP BRPOP BRPOPLPUSH BZMPOP BZPOPMAX BZPOPMIN CLIENT DEBUG DISCARD EXEC HELLO MIGRATE MONITOR " +
    "MULTI PSUBSCRIBE PSYNC PUNSUBSCRIBE QUIT REPLICAOF RESET SELECT SHUTDOWN SLAVEOF SSUBSCRIBE SUBSCRIBE SUNSUBSCRIBE " +
    "SYNC UNSUBSCRIBE UNWATCH WAIT WATCH"
  ).split(" "),
);

/** One command as its JSON array. Throws `BadRequest`. */
export function readCommand(json: unknown): RedisCommand {
  if (!Array.isArray(json)) throw new BadRequest("ERR failed to parse command: a JSON array was expected");
  if (json.length === 0) throw new BadRequest("ERR empty command");
  const [name, ...args] = json.map(readArgument);
  if (typeof name !== "string" || name === "") throw new BadRequest("ERR empty command");
  return supported([name, ...args]);
}

/** Several commands as their JSON arrays. Throws `BadRequest`. */
export function readCommands(json: unknown): RedisCommand[] {
  if (!Array.isArray(json) || json.length === 0 || !json.every(Array.isArray)) {
    throw new BadRequest("ERR failed to parse pipeline request: a JSON array of JSON arrays was expected");
  }
  return json.map(readCommand);
}

/**
 * One command as a path: `/set/key/value`, its segments percent-decoded to bytes, not text; then the body, where one
 * was sent, as the last argument; then the query's names and values.
 */
export function readPath(
  rawPath: string,
  body: ByteString | undefined,
  query: URLSearchParams,
): RedisCommand {
  const [name, ...args] = rawPath.slice(1).split("/").map(percentDecode);
  if (!name) throw new BadRequest("ERR empty command");
  if (body !== undefined) args.push(body);
  for (const [key, value] of query) {
    if (key === "_token") continue;
    args.push(fromText(key));
    if (value !== "") args.push(fromText(value));
  }
  return supported([name, ...args]);
}

/** Parses a JSON body. Throws `BadRequest`, without the body's text. */
export function parseJson(body: ByteString): unknown {
  try {
    return JSON.parse(toText(body));
  } catch {
    throw new BadRequest("ERR failed to parse request: the body is not valid JSON");
  }
}

/** A reply, or the error in its place, as the JSON text of the answer: strings in base64 where asked for, as text otherwise. */
export function encodeItem(reply: RedisReply | RedisReplyError, isBase64: boolean, json: JsonText): void {
  if (reply instanceof RedisReplyError) json.add(JSON.stringify({ error: reply.serverText }));
  else {
    json.add('{"result":');
    encodeReply(reply, isBase64, json);
    json.add("}");
  }
}

function encodeReply(reply: RedisReply, isBase64: boolean, json: JsonText): void {
  if (Array.isArray(reply)) {
    json.add("[");
    for (const [at, entry] of reply.entries()) {
      if (at > 0) json.add(",");
      encodeReply(entry, isBase64, json);
    }
    json.add("]");
  } else if (typeof reply !== "string") json.add(JSON.stringify(reply));
  else if (!isBase64) json.add(JSON.stringify(toText(reply)));
  else {
    json.add('"');
    json.add(reply === "OK" ? reply : btoa(reply));
    json.add('"');
  }
}

function readArgument(argument: unknown): ByteString {
  if (typeof argument === "string") return fromText(argument);
  if (typeof argument === "number" || typeof argument === "boolean") return String(argument);
  if (argument === null) return "null";
  return fromText(JSON.stringify(argument));
}

function supported(command: RedisCommand): RedisCommand {
  const name = command[0].toUpperCase();
  if (unsupported.has(name)) throw new BadRequest(`ERR Command is not available: '${name}'`);
  return command;
}

function percentDecode(segment: string): ByteString {
  return fromText(segment).replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
