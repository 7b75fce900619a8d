import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { readAll } from "./api.ts";
import type { Target } from "./function.ts";
import type { InvokeService, Reply } from "./service.ts";

/** A request as an event of the payload format 2.0, and the function's result as the answer. */
export async function answerFunctionUrl(
  target: Target,
  service: InvokeService,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const event = eventOf(incoming, await readAll(incoming));
  const reply = await service.invoke(target, "RequestResponse", event, event.headers["x-amzn-trace-id"]);
  if (reply.errorType) return sendJson(outgoing, reply.status, reply.payload);
  if (reply.functionError) return sendJson(outgoing, 502, "Internal Server Error");
  respond(outgoing, reply);
}

interface UrlEvent {
  readonly headers: Record<string, string>;
}

function eventOf(incoming: IncomingMessage, body: Buffer): UrlEvent {
  const host = String(incoming.headers.host);
  const url = new URL(incoming.url ?? "/", `http://${host}`);
  const { cookie, ...rest } = incoming.headers;
  const headers = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, String(value)]));
  const queries = [...new Set(url.searchParams.keys())];
  const isText = /^(text\/|application\/(json|javascript|xml))/.test(headers["content-type"] ?? "text/");
  const now = new Date();
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: url.pathname,
    rawQueryString: url.search.slice(1),
    headers,
    ...(cookie && { cookies: cookie.split("; ") }),
    ...(queries.length > 0 && {
      queryStringParameters: Object.fromEntries(
        queries.map((name) => [name, url.searchParams.getAll(name).join(",")]),
      ),
    }),
    requestContext: {
      accountId: "anonymous",
      apiId: "local",
      domainName: host,
      domainPrefix: "local",
      http: {
        method: incoming.method,
        path: url.pathname,
        protocol: "HTTP/1.1",
        sourceIp: incoming.socket.remoteAddress,
        userAgent: headers["user-agent"] ?? "",
      },
      requestId: randomUUID(),
      routeKey: "$default",
      stage: "$default",
      time: clfTime(now),
      timeEpoch: now.getTime(),
    },
    ...(body.length > 0 && { body: body.toString(isText ? "utf8" : "base64") }),
    isBase64Encoded: body.length > 0 && !isText,
  } as UrlEvent;
}

/** As in `12/Mar/2026:19:03:58 +0000`. */
function clfTime(time: Date): string {
  const [, day, month, year, clock] = time.toUTCString().split(" ");
  return `${day}/${month}/${year}:${clock} +0000`;
}

function sendJson(outgoing: ServerResponse, status: number, message: string): void {
  outgoing.writeHead(status, { "content-type": "application/json" }).end(message);
}

/** A result without `statusCode` is itself the body. */
function respond(outgoing: ServerResponse, { payload }: Reply): void {
  const result = JSON.parse(payload) as {
    statusCode?: number;
    headers?: Record<string, string>;
    cookies?: string[];
    body?: string;
    isBase64Encoded?: boolean;
  } | null;
  if (typeof result?.statusCode !== "number") {
    sendJson(outgoing, 200, payload);
    return;
  }
  outgoing.writeHead(result.statusCode, {
    "content-type": "application/json",
    ...lowerCased(result.headers ?? {}),
    ...(result.cookies && { "set-cookie": result.cookies }),
  });
  outgoing.end(Buffer.from(result.body ?? "", result.isBase64Encoded ? "base64" : "utf8"));
}

function lowerCased(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
