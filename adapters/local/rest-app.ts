import { Hono } from "hono";
import { createMiddleware } from "hono/factory";
import {
  type ByteString,
  fromBytes,
  OptionError,
  type RedisCommand,
  type RedisReply,
  RedisReplyError,
  SpillwayError,
} from "../../src/index.ts";
import { isSameSecret } from "../http/secret.ts";
import type { Backend } from "./backend.ts";
import { BadRequest, encodeReply, parseJson, readCommand, readCommands, readPath } from "./rest-protocol.ts";

export interface RestAppOptions {
  readonly backend: Backend;
  /** What clients must send as bearer token or `_token`. */
  readonly token: string;
  /** Largest body taken, bytes. Default: 10 MB, as Upstash. */
  readonly maxRequestBytes?: number;
}

const maxRequestBytesDefault = 10 * 1024 * 1024;

class TooLarge extends Error {}

/**
 * Upstash' REST protocol as a Hono app: single commands as JSON and as path, `/pipeline`, `/multi-exec`, both ways to
 * give the token, base64, and its statuses: 200; 400 for a bad or failed command; 401; 405; 413.
 * Source: upstash.com/docs/redis/features/restapi. Not there: `/monitor`, `/subscribe`, read-only tokens, resp2.
 */
export function createRestApp({
  backend,
  token,
  maxRequestBytes = maxRequestBytesDefault,
}: RestAppOptions): Hono {
  if (typeof token !== "string" || token === "") {
    throw new OptionError("token", "a string with at least one character", "an empty or missing one");
  }
  const app = new Hono();

  const authorized = createMiddleware(async (context, next) => {
    const bearer = /^Bearer (.+)$/i.exec(context.req.header("authorization") ?? "")?.[1];
    const given = bearer ?? context.req.query("_token");
    if (given === undefined || !(await isSameSecret(given, token))) {
      return context.json({ error: "WRONGPASS invalid or missing auth token" }, 401);
    }
    await next();
    // We read our own writes, being in front of one Redis; clients send this back, and it tells us nothing new.
    context.header("upstash-sync-token", "0");
    return undefined;
  });
  app.use(authorized);

  app.onError((error, context) => {
    if (error instanceof TooLarge) return context.json({ error: "ERR max request size exceeded" }, 413);
    if (error instanceof BadRequest) return context.json({ error: error.message }, 400);
    if (error instanceof RedisReplyError) return context.json({ error: error.message }, 400);
    const text = error instanceof SpillwayError ? error.message : "the request could not be served";
    return context.json({ error: `ERR ${text}` }, 500);
  });
  app.notFound((context) => context.json({ error: "ERR method not allowed" }, 405));

  const wantsBase64 = (header: string | undefined): boolean => header?.toLowerCase() === "base64";
  const item = (reply: RedisReply | RedisReplyError, isBase64: boolean): object =>
    reply instanceof RedisReplyError ? { error: reply.message } : { result: encodeReply(reply, isBase64) };
  const run = async (command: RedisCommand, isBase64: boolean): Promise<object> =>
    item(await backend.command(command), isBase64);

  app.post("/", async (context) => {
    const command = readCommand(parseJson(await readBody(context.req.raw, maxRequestBytes)));
    return context.json(await run(command, wantsBase64(context.req.header("upstash-encoding"))));
  });
  app.post("/pipeline", async (context) => {
    const isBase64 = wantsBase64(context.req.header("upstash-encoding"));
    const replies = await backend.pipeline(
      readCommands(parseJson(await readBody(context.req.raw, maxRequestBytes))),
    );
    return context.json(replies.map((reply) => item(reply, isBase64)));
  });
  app.post("/multi-exec", async (context) => {
    const isBase64 = wantsBase64(context.req.header("upstash-encoding"));
    const commands = readCommands(parseJson(await readBody(context.req.raw, maxRequestBytes)));
    const replies = await backend.transaction(commands);
    return context.json(replies.map((reply) => item(reply, isBase64)));
  });
  app.on(["GET", "POST", "PUT", "HEAD"], "/*", async (context) => {
    const request = context.req.raw;
    const url = new URL(request.url);
    const rawPath = /^[a-z]+:\/\/[^/]*([^?#]*)/i.exec(request.url)?.[1] ?? url.pathname;
    const hasBody = request.method === "POST" || request.method === "PUT";
    const body = hasBody ? await readBody(request, maxRequestBytes) : "";
    const command = readPath(rawPath, body === "" ? undefined : body, url.searchParams);
    return context.json(await run(command, wantsBase64(context.req.header("upstash-encoding"))));
  });
  return app;
}

/** Reads no more than is allowed, whatever the headers claim. */
async function readBody(request: Request, bytesMax: number): Promise<ByteString> {
  if (!request.body) return "";
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body) {
    length += chunk.byteLength;
    if (length > bytesMax) throw new TooLarge();
    chunks.push(chunk);
  }
  return fromBytes(Buffer.concat(chunks));
}
