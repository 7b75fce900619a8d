import { type Context, Hono } from "hono";
import { createMiddleware } from "hono/factory";
import {
  type ByteString,
  fromBytes,
  type RedisCommand,
  type RedisReply,
  RedisReplyError,
  SpillwayError,
  toText,
} from "../../src/index.ts";
import { checkOptions, integer, type Kinds, object, required, text } from "../../src/internals.ts";
import { isSameSecret } from "../http/secret.ts";
import type { Backend } from "./backend.ts";
import { eventStream } from "./event-stream.ts";
import { JsonText } from "./json-text.ts";
import { writeReply } from "./resp2.ts";
import { encodeItem } from "./rest-answer.ts";
import { refusal } from "./rest-commands.ts";
import { BadRequest, readCommand, readCommands, readPath } from "./rest-protocol.ts";

export interface RestAppOptions {
  readonly backend: Backend;
  /** What clients must send as bearer token or `_token`. */
  readonly token: string;
  /** Largest body taken, bytes, up to 1 GB. Default: 10 MB, as Upstash. */
  readonly maxRequestBytes?: number;
}

export const restAppKinds = {
  backend: required(
    object<Backend>({
      methods: ["command", "pipeline", "transaction", "raw", "listen", "close"],
      wanted: "a backend, as memory() or redisBackend(…) make it",
    }),
  ),
  token: required(text({ isSecret: true })),
  maxRequestBytes: integer({ min: 1, max: 1024 ** 3, default: 10 * 1024 * 1024 }),
} satisfies Kinds<RestAppOptions>;

class TooLarge extends Error {}

const methods = ["GET", "POST", "PUT", "HEAD"];
const errorPrefix = "-".charCodeAt(0);

/**
 * Upstash's REST protocol as a Hono app: single commands as JSON and as path, `/pipeline`, `/multi-exec`, `/subscribe`,
 * `/psubscribe` and `/monitor` as server-sent events, both ways to give the token, base64, RESP2, sync tokens, and its
 * statuses: 200; 400 for a bad or failed command; 401; 405; and 413 for a body that is too large.
 * Source: upstash.com/docs/redis/features/restapi. Not there: read-only tokens, `ACL RESTTOKEN`, JSON and search, where the
 * Redis behind it has none. Throws `OptionError` for bad options.
 */
export function createRestApp(options: RestAppOptions): Hono {
  const { backend, token, maxRequestBytes } = checkOptions(restAppKinds, options);
  const app = new Hono();
  const instance = crypto.randomUUID().slice(0, 8);
  let requestCount = 0;

  const checked = createMiddleware(async (context, next) => {
    // Set now: a header that is set later turns the answer into a stream, which costs as much as everything else here.
    context.header("Cache-Control", "no-store");
    const given = bearerToken(context.req.header("authorization")) ?? context.req.query("_token");
    if (given === undefined || !(await isSameSecret(given, token))) {
      return context.json({ error: "WRONGPASS invalid or missing auth token" }, 401);
    }
    if (!methods.includes(context.req.method)) return context.json({ error: "ERR method not allowed" }, 405);
    const format = context.req.header("upstash-response-format") ?? "json";
    if (!/^(json|resp2)$/i.test(format)) throw new BadRequest("ERR invalid response format");
    if (isResp2(context) && isBase64(context)) {
      throw new BadRequest("ERR base64 encoding is not allowed with the response format resp2");
    }
    // In front of one Redis, every request sees earlier writes, whatever token a client sends back.
    context.header("upstash-sync-token", `${instance}.${++requestCount}`);
    return next();
  });
  app.use(checked);

  app.onError((error, context) => {
    if (error instanceof TooLarge) return context.json({ error: "ERR max request size exceeded" }, 413);
    if (error instanceof BadRequest) return context.json({ error: error.message }, 400);
    if (error instanceof RedisReplyError) return context.json({ error: toText(error.serverText) }, 400);
    const why = error instanceof SpillwayError ? error.message : "the request could not be served";
    return context.json({ error: `ERR ${why}` }, 500);
  });

  const body = (context: Context): Promise<ByteString> => readBody(context.req.raw, maxRequestBytes);
  const run = async (context: Context, command: RedisCommand): Promise<Response> => {
    const refused = refusal(command);
    if (isResp2(context)) {
      const [reply] = refused ? [writeReply(refused)] : await backend.raw([command]);
      return answerBytes(context, reply as Uint8Array, reply?.[0] === errorPrefix ? 400 : 200);
    }
    if (refused) throw refused;
    const json = new JsonText();
    encodeItem(await backend.command(command), isBase64(context), json);
    return answerJson(context, json);
  };

  app.on(["POST", "PUT"], "/", async (context) => run(context, readCommand(await body(context))));
  app.on(["POST", "PUT"], "/pipeline", async (context) => {
    const commands = readCommands(await body(context));
    if (isResp2(context)) {
      const sent = (served: readonly RedisCommand[]) => backend.raw(served);
      return answerBytes(context, Buffer.concat(await inPlaces(commands, sent, writeReply)), 200);
    }
    const sent = (served: readonly RedisCommand[]) => backend.pipeline(served);
    return answerAll(context, await inPlaces(commands, sent, (refused) => refused));
  });
  app.on(["POST", "PUT"], "/multi-exec", async (context) => {
    const commands = readCommands(await body(context));
    for (const refused of commands.map(refusal)) {
      if (refused) throw new BadRequest(`EXECABORT Transaction discarded because of: ${refused.serverText}`);
    }
    return answerAll(context, await backend.transaction(commands));
  });
  app.on(methods, "/*", async (context) => {
    const { method } = context.req.raw;
    const { path: whole, query } = splitUrl(urlAsSent(context));
    const path = belowPrefix(whole, context.req.routePath);
    if (
      /^\/(p?subscribe\/|monitor$)/i.test(path) &&
      context.req.header("accept")?.includes("text/event-stream")
    ) {
      const events = await eventStream(backend, readPath(path, undefined, query), context.req.raw.signal);
      return context.body(events, 200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
    }
    const sent = method === "POST" || method === "PUT" ? await body(context) : "";
    return run(context, readPath(path, sent === "" ? undefined : sent, query));
  });
  return app;
}

/** Runs the commands that are served, and puts an error in the place of each other one. */
async function inPlaces<Reply>(
  commands: readonly RedisCommand[],
  send: (served: readonly RedisCommand[]) => Promise<Reply[]>,
  refuse: (refused: RedisReplyError) => Reply,
): Promise<Reply[]> {
  const refusals = commands.map(refusal);
  const served = commands.filter((_, at) => refusals[at] === undefined);
  const replies = (served.length > 0 ? await send(served) : []).values();
  return refusals.map((refused) => (refused ? refuse(refused) : (replies.next().value as Reply)));
}

function answerJson(context: Context, json: JsonText): Response {
  return context.body(json.toBytes(), 200, { "Content-Type": "application/json" });
}

function answerAll(context: Context, replies: readonly (RedisReply | RedisReplyError)[]): Response {
  const json = new JsonText();
  for (const [at, reply] of replies.entries()) {
    json.add(at === 0 ? "[" : ",");
    encodeItem(reply, isBase64(context), json);
  }
  json.add("]");
  return answerJson(context, json);
}

function answerBytes(context: Context, bytes: Uint8Array, status: 200 | 400): Response {
  return context.body(Buffer.from(bytes), status, { "Content-Type": "application/octet-stream" });
}

function isBase64(context: Context): boolean {
  // Sent twice, it comes as a list.
  return /^base64\s*(,|$)/i.test(context.req.header("upstash-encoding") ?? "");
}

function isResp2(context: Context): boolean {
  return context.req.header("upstash-response-format")?.toLowerCase() === "resp2";
}

function bearerToken(header = ""): string | undefined {
  if (header.slice(0, 7).toLowerCase() !== "bearer ") return undefined;
  return header.slice(7).trim() || undefined;
}

/**
 * The URL as the client sent it, from Node's own request where there is one: a `URL` would have resolved `..`, which may be a key.
 * An app that is mounted by `mount` has another path than that.
 */
function urlAsSent(context: Context): string {
  const { url } = context.req.raw;
  const sent = (context.env as { incoming?: { url?: string } } | undefined)?.incoming?.url;
  if (!sent?.startsWith("/")) return url;
  return new URL(`http://host${sent}`).pathname === new URL(url).pathname ? sent : url;
}

/** The rest of a path below the route's prefix, where another app includes this one by `route`. */
function belowPrefix(path: string, routePath: string): string {
  const prefix = routePath.split("/").slice(1, -1);
  return `/${path
    .split("/")
    .slice(1 + prefix.length)
    .join("/")}`;
}

function splitUrl(url: string): { path: string; query: string } {
  const start = url.startsWith("/") ? 0 : url.indexOf("/", url.indexOf("//") + 2);
  const [beforeHash = ""] = (start < 0 ? "/" : url.slice(start)).split("#");
  const at = beforeHash.indexOf("?");
  return at < 0
    ? { path: beforeHash, query: "" }
    : { path: beforeHash.slice(0, at), query: beforeHash.slice(at + 1) };
}

/** Of a body that is too large, this many times the allowed size is read before its sender is cut off. */
const discardedShare = 4;

/** Keeps no more than is allowed, whatever the headers claim. */
async function readBody(request: Request, bytesMax: number): Promise<ByteString> {
  if (!request.body) return "";
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body) {
    length += chunk.byteLength;
    if (length <= bytesMax) chunks.push(chunk);
    // The rest is read and thrown away: a client that is still sending would not see the answer.
    else if (length > discardedShare * bytesMax) break;
  }
  if (length > bytesMax) throw new TooLarge();
  return fromBytes(Buffer.concat(chunks));
}
