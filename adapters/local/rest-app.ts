import { type Context, Hono } from "hono";
import { createMiddleware } from "hono/factory";
import {
  type ByteString,
  fromBytes,
  type RedisCommand,
  type RedisReply,
  RedisReplyError,
  SpillwayError,
} from "../../src/index.ts";
import { checkOptions, integer, type Kinds, object, required, text } from "../../src/internals.ts";
import { isSameSecret } from "../http/secret.ts";
import type { Backend } from "./backend.ts";
import { JsonText } from "./json-text.ts";
import { BadRequest, encodeItem, parseJson, readCommand, readCommands, readPath } from "./rest-protocol.ts";

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
      methods: ["command", "pipeline", "transaction", "close"],
      wanted: "a backend, as memory() or redisBackend(…) make it",
    }),
  ),
  token: required(text({ isSecret: true })),
  maxRequestBytes: integer({ min: 1, max: 1024 ** 3, default: 10 * 1024 * 1024 }),
} satisfies Kinds<RestAppOptions>;

class TooLarge extends Error {}

/**
 * Upstash' REST protocol as a Hono app: single commands as JSON and as path, `/pipeline`, `/multi-exec`, both ways to
 * give the token, base64, and its statuses: 200; 400 for a bad or failed command; 401; 405; 413.
 * Source: upstash.com/docs/redis/features/restapi. Not there: `/monitor`, `/subscribe`, read-only tokens, resp2.
 * Throws `OptionError` for bad options.
 */
export function createRestApp(options: RestAppOptions): Hono {
  const { backend, token, maxRequestBytes } = checkOptions(restAppKinds, options);
  const app = new Hono();

  const authorized = createMiddleware(async (context, next) => {
    const bearer = /^Bearer (.+)$/i.exec(context.req.header("authorization") ?? "")?.[1];
    const given = bearer ?? context.req.query("_token");
    if (given === undefined || !(await isSameSecret(given, token))) {
      return context.json({ error: "WRONGPASS invalid or missing auth token" }, 401);
    }
    // We read our own writes, being in front of one Redis; clients send this back, and it tells us nothing new. Set now, for
    // a header that comes later makes a stream of the answer, which costs as much as all else here.
    context.header("upstash-sync-token", "0");
    return next();
  });
  app.use(authorized);

  app.onError((error, context) => {
    if (error instanceof TooLarge) return context.json({ error: "ERR max request size exceeded" }, 413);
    if (error instanceof BadRequest) return context.json({ error: error.message }, 400);
    if (error instanceof RedisReplyError) return context.json({ error: error.serverText }, 400);
    const text = error instanceof SpillwayError ? error.message : "the request could not be served";
    return context.json({ error: `ERR ${text}` }, 500);
  });
  app.notFound((context) => context.json({ error: "ERR method not allowed" }, 405));

  const isBase64 = (context: Context): boolean =>
    context.req.header("upstash-encoding")?.toLowerCase() === "base64";
  const answer = (context: Context, json: JsonText): Response =>
    context.body(json.toBytes(), 200, { "Content-Type": "application/json" });
  const run = async (context: Context, command: RedisCommand): Promise<Response> => {
    const json = new JsonText();
    encodeItem(await backend.command(command), isBase64(context), json);
    return answer(context, json);
  };
  const answerAll = (context: Context, replies: readonly (RedisReply | RedisReplyError)[]): Response => {
    const json = new JsonText();
    for (const [at, reply] of replies.entries()) {
      json.add(at === 0 ? "[" : ",");
      encodeItem(reply, isBase64(context), json);
    }
    json.add("]");
    return answer(context, json);
  };

  app.post("/", async (context) =>
    run(context, readCommand(parseJson(await readBody(context.req.raw, maxRequestBytes)))),
  );
  app.post("/pipeline", async (context) => {
    const commands = readCommands(parseJson(await readBody(context.req.raw, maxRequestBytes)));
    return answerAll(context, await backend.pipeline(commands));
  });
  app.post("/multi-exec", async (context) => {
    const commands = readCommands(parseJson(await readBody(context.req.raw, maxRequestBytes)));
    return answerAll(context, await backend.transaction(commands));
  });
  app.on(["GET", "POST", "PUT", "HEAD"], "/*", async (context) => {
    const request = context.req.raw;
    const url = new URL(request.url);
    const rawPath = /^[a-z]+:\/\/[^/]*([^?#]*)/i.exec(request.url)?.[1] ?? url.pathname;
    const hasBody = request.method === "POST" || request.method === "PUT";
    const body = hasBody ? await readBody(request, maxRequestBytes) : "";
    return run(context, readPath(rawPath, body === "" ? undefined : body, url.searchParams));
  });
  return app;
}

/** Of a body that is too large so many times what is allowed is read before its sender is cut off. */
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
