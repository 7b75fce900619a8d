import {
  type RedisClient,
  type RedisCommand,
  RedisProtocolError,
  type RedisReply,
  RedisReplyError,
  type RedisRequestOptions,
  RedisTransportError,
} from "../../src/index.ts";
import {
  asPath,
  asScript,
  byteLength,
  fitsPath,
  isScriptable,
  noScript,
  split,
  textArguments,
} from "./upstash-bytes.ts";
import type { UpstashHttp } from "./upstash-http.ts";

/** A command with more bytes than this that need escapes in JSON goes alone, with its value as the body, which needs none. */
const escapedBytesMax = 256 * 1024;
/** The most bytes in a command of several values, and in a request of several commands. Upstash takes requests of 10 MB. */
const sharedBytesMax = 4.5 * 1024 * 1024;

/** No command that Spillway sends is answered with lists in lists so deep. */
const depthMax = 32;

/** One command as it is sent, or one of several that replace it. */
interface Unit {
  /** Which command of the pipeline it is. */
  readonly at: number;
  readonly command: RedisCommand;
  /** Its texts for JSON; undefined for a command that goes alone, as a path with its last argument as the body. */
  readonly text: (string | number)[] | undefined;
}

/** Speaks Upstash' REST protocol; reads replies and errors strictly. */
export class UpstashClient implements RedisClient {
  readonly name = "upstash";
  readonly #http: UpstashHttp;
  readonly #requestTimeoutMs: number;
  /** Whether scripts may run; undefined until bytes that are not UTF-8 have been sent. */
  #takesScripts: boolean | undefined;

  constructor(http: UpstashHttp, requestTimeoutMs: number) {
    this.#http = http;
    this.#requestTimeoutMs = requestTimeoutMs;
  }

  async command(command: RedisCommand, options?: RedisRequestOptions): Promise<RedisReply> {
    const text = textArguments(command);
    if (text && !isInflated(command, text)) return this.#sendOne({ command, text }, options);
    const [reply] = await this.pipeline([command], options);
    if (reply instanceof RedisReplyError) throw reply;
    return reply as RedisReply;
  }

  async pipeline(
    commands: readonly RedisCommand[],
    options?: RedisRequestOptions,
  ): Promise<(RedisReply | RedisReplyError)[]> {
    const replies: (RedisReply | RedisReplyError)[] = [];
    const groups = inGroups(await this.#units(commands, options));
    for (const group of groups) {
      for (const [place, reply] of (await this.#sendGroup(group, groups.length > 1, options)).entries()) {
        const { at } = group[place] as Unit;
        // Where a command was split, the last reply counts, or any error.
        if (!(replies[at] instanceof RedisReplyError)) replies[at] = reply;
      }
    }
    return replies;
  }

  async close(): Promise<void> {}

  /** The ways of all commands, in their order. */
  async #units(commands: readonly RedisCommand[], options: RedisRequestOptions | undefined): Promise<Unit[]> {
    const units: Unit[] = [];
    for (const [at, command] of commands.entries()) {
      const text = textArguments(command);
      if (text && !isInflated(command, text)) {
        units.push({ at, command, text });
        continue;
      }
      const pieces = split(command);
      const isBetterAlone = pieces.length === 1 && fitsPath(command) && byteLength(command) > escapedBytesMax;
      const asOne = isBetterAlone || byteLength(command) > sharedBytesMax ? undefined : asScript(command);
      const isAlone = commands.length === 1 && pieces.length === 1 && fitsPath(command);
      if (asOne && !isAlone && (await this.#allowsScripts(options))) {
        units.push({ at, command, text: asOne });
      } else {
        units.push(...pieces.map((piece) => ({ at, command: piece, text: undefined })));
      }
    }
    return units;
  }

  async #allowsScripts(options: RedisRequestOptions | undefined): Promise<boolean> {
    if (this.#takesScripts !== undefined) return this.#takesScripts;
    try {
      await this.command(noScript, options);
      this.#takesScripts = true;
    } catch (error) {
      if (!(error instanceof RedisReplyError)) throw error;
      // Any other refusal may pass.
      if (!/^(NOPERM|ERR)$/.test(error.prefix)) return false;
      this.#takesScripts = false;
    }
    return this.#takesScripts;
  }

  async #sendGroup(
    group: readonly Unit[],
    hasNeighbours: boolean,
    options: RedisRequestOptions | undefined,
  ): Promise<(RedisReply | RedisReplyError)[]> {
    const [first] = group;
    if (first && first.text === undefined) {
      try {
        return [await this.#sendOne(first, options)];
      } catch (error) {
        // A refusal of this command alone must not hide the results of others.
        if (error instanceof RedisReplyError) return [error];
        const isTooLarge = error instanceof RedisTransportError && error.status === 413;
        if (!isTooLarge || !hasNeighbours) throw error;
        return [new RedisReplyError("ERR max request size exceeded", { cause: error })];
      }
    }
    const body = await this.#http.send({
      path: "pipeline",
      body: JSON.stringify(group.map(({ text }) => text)),
      timeoutMs: options?.timeoutMs ?? this.#requestTimeoutMs,
    });
    if (!Array.isArray(body) || body.length !== group.length) {
      throw new RedisProtocolError(
        `A pipeline of ${group.length} commands must be answered by as many results.`,
      );
    }
    return body.map((item, at) => readItem(item, (group[at] as Unit).command));
  }

  async #sendOne(
    { command, text }: Pick<Unit, "command" | "text">,
    options: RedisRequestOptions | undefined,
  ): Promise<RedisReply> {
    const request = text ? { path: "", body: JSON.stringify(text) } : asPath(command);
    const timeoutMs = options?.timeoutMs ?? this.#requestTimeoutMs;
    try {
      const reply = readItem(await this.#http.send({ ...request, timeoutMs }), command);
      if (reply instanceof RedisReplyError) throw reply;
      return reply;
    } catch (error) {
      // Only here the command is known that the error names.
      throw error instanceof RedisReplyError ? new RedisReplyError(error.serverText, { command }) : error;
    }
  }
}

/** Whether JSON's escapes make a command so much longer that it may not fit into a request. */
function isInflated(command: RedisCommand, text: readonly (string | number)[]): boolean {
  const bytes = byteLength(command);
  if (bytes <= escapedBytesMax || !isScriptable(command)) return false;
  return JSON.stringify(text).length > 2 * bytes;
}

/** Groups units in their order: those that go as JSON go together, the others alone. */
function inGroups(units: readonly Unit[]): Unit[][] {
  const groups: Unit[][] = [];
  let room = 0;
  for (const unit of units) {
    const bytes = byteLength(unit.text ?? []);
    if (unit.text === undefined || bytes > room) {
      groups.push([unit]);
      room = unit.text === undefined ? 0 : sharedBytesMax - bytes;
    } else {
      (groups.at(-1) as Unit[]).push(unit);
      room -= bytes;
    }
  }
  return groups;
}

function readItem(item: unknown, command: RedisCommand): RedisReply | RedisReplyError {
  const { result, error } = (typeof item === "object" && item !== null ? item : {}) as {
    result?: unknown;
    error?: unknown;
  };
  if (typeof error === "string") return new RedisReplyError(error, { command });
  if (result === undefined) throw new RedisProtocolError("The reply has neither a result nor an error.");
  return decode(result);
}

function decode(result: unknown, depth = 0): RedisReply {
  if (result === null || typeof result === "number") return result;
  if (Array.isArray(result) && depth < depthMax) return result.map((one) => decode(one, depth + 1));
  if (Array.isArray(result))
    throw new RedisProtocolError(`The reply is nested deeper than ${depthMax} lists.`);
  // `OK` is the only text that is not encoded (Upstash REST, "Base64 encoded responses").
  if (result === "OK") return result;
  if (typeof result === "string" && result.length % 4 === 0) {
    try {
      return atob(result);
    } catch {
      // Falls through to the error below.
    }
  }
  throw new RedisProtocolError(
    "The server must answer in base64 where the request has the header `Upstash-Encoding: base64`, and did not.",
  );
}
