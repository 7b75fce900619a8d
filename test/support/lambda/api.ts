import type { IncomingMessage, ServerResponse } from "node:http";
import type { InvocationType } from "./executor.ts";
import type { Functions, Target } from "./function.ts";
import { failure, type InvokeService, type Reply } from "./service.ts";

/** An Invoke call over HTTP, as `decide` sees it. */
export interface InvokeRequest {
  readonly functionName: string;
  readonly qualifier: string;
  readonly type: InvocationType;
  readonly event: unknown;
  /** How many came before it. */
  readonly index: number;
}

/**
 * What becomes of an Invoke call: `throttle` answers 429, `error-500` fails, `reset` ends the connection, each before
 * anything is queued or run; `lose-reply` accepts it and ends the connection in place of the answer.
 */
export type Decision = "pass" | "throttle" | "error-500" | "reset" | "lose-reply";

export interface ApiOptions {
  readonly functions: Functions;
  readonly service: InvokeService;
  /** What `AmazonSSM.GetParameters` finds. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly decide: (request: InvokeRequest) => Decision;
}

const syncBytesMax = 6 * 1024 * 1024;
const asyncBytesMax = 1024 * 1024;
const types: readonly string[] = ["RequestResponse", "Event", "DryRun"];

/** The requests that a bundle sends: Lambda's Invoke and recursion settings, and secrets from SSM. */
export function createApi(options: ApiOptions) {
  const { functions, parameters } = options;
  const invoke = createInvoke(options);

  return async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const url = new URL(incoming.url ?? "/", "http://localhost");
    const body = await readAll(incoming);
    if (!incoming.headers.authorization) {
      return send(
        outgoing,
        failure(403, "MissingAuthenticationTokenException", "Missing Authentication Token"),
      );
    }
    const path = /^\/20\d\d-\d\d-\d\d\/functions\/([^/]+)\/(invocations|recursion-config)$/.exec(
      url.pathname,
    );
    const route = `${incoming.method} ${path?.[2] ?? url.pathname}`;
    if (route === "POST /") {
      return send(outgoing, answerSsm(String(incoming.headers["x-amz-target"]), body, parameters));
    }
    const name = decodeURIComponent(path?.[1] ?? "");
    const target = functions.find(name, url.searchParams.get("Qualifier"));
    if (!target)
      return send(outgoing, failure(404, "ResourceNotFoundException", `Function not found: ${name}`));
    if (route === "POST invocations") return invoke(target, incoming, outgoing, body);
    if (route === "GET recursion-config" || route === "PUT recursion-config") {
      return send(outgoing, answerRecursionConfig(target, incoming.method === "PUT" ? body : null));
    }
    send(outgoing, failure(404, "UnknownOperationException", `${route} is not known here.`));
  };
}

function createInvoke({ service, decide }: ApiOptions) {
  let invokeCount = 0;
  return async (target: Target, incoming: IncomingMessage, outgoing: ServerResponse, body: Buffer) => {
    const { headers } = incoming;
    const given = String(headers["x-amz-invocation-type"] ?? "RequestResponse");
    const event = parseEvent(body);
    const refused = refuse(given, body, event);
    if (refused) return send(outgoing, refused);
    if (given === "DryRun") return void outgoing.writeHead(204).end();
    const type = given as InvocationType;
    const { lambda, qualifier, version } = target;
    const decision = decide({ functionName: lambda.name, qualifier, type, event, index: invokeCount++ });
    if (decision === "throttle") {
      return send(outgoing, failure(429, "TooManyRequestsException", "Rate Exceeded."));
    }
    if (decision === "error-500") return send(outgoing, failure(500, "ServiceException", "Service failure."));
    if (decision === "reset") return void incoming.socket.destroy();
    const trace = headers["x-amzn-trace-id"];
    const reply = await service.invoke(target, type, event, trace === undefined ? undefined : String(trace));
    if (decision === "lose-reply") return void incoming.socket.destroy();
    send(outgoing, reply, { "x-amz-executed-version": version });
  };
}

/** No body is an empty object. Undefined: it is not JSON. */
function parseEvent(body: Buffer): unknown {
  if (body.length === 0) return {};
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

function refuse(type: string, body: Buffer, event: unknown): Reply | null {
  if (!types.includes(type)) return failure(400, "InvalidParameterValueException", `Unknown type: ${type}`);
  const bytesMax = type === "Event" ? asyncBytesMax : syncBytesMax;
  if (body.length > bytesMax) {
    const message = `${body.length} byte payload is too large for the ${type} invocation type (limit ${bytesMax} bytes)`;
    return failure(413, "RequestTooLargeException", message);
  }
  if (event !== undefined) return null;
  return failure(400, "InvalidRequestContentException", "Could not parse request body into json");
}

function answerRecursionConfig({ lambda }: Target, body: Buffer | null): Reply {
  if (body) {
    const wanted = (JSON.parse(body.toString()) as Record<string, unknown>).RecursiveLoop;
    if (wanted !== "Allow" && wanted !== "Terminate") {
      return failure(400, "InvalidParameterValueException", "RecursiveLoop is Allow or Terminate.");
    }
    lambda.recursiveLoop = wanted;
  }
  return ok({ RecursiveLoop: lambda.recursiveLoop });
}

/** A secret comes as it is only where the request wants it decrypted. */
function answerSsm(target: string, body: Buffer, parameters: Readonly<Record<string, string>>): Reply {
  if (target !== "AmazonSSM.GetParameters") {
    return failure(400, "UnknownOperationException", `${target} is not known here.`);
  }
  const { Names, WithDecryption } = JSON.parse(body.toString()) as {
    Names: string[];
    WithDecryption?: boolean;
  };
  if (Names.length > 10) return failure(400, "ValidationException", "Names has at most 10 members.");
  const found = Names.flatMap((name) => {
    const value = parameters[name];
    return value === undefined ? [] : [{ name, value }];
  });
  return ok({
    Parameters: found.map(({ name, value }) => ({
      Name: name,
      Type: "SecureString",
      Value: WithDecryption ? value : "AQICAHencrypted",
      Version: 1,
      DataType: "text",
    })),
    InvalidParameters: Names.filter((name) => parameters[name] === undefined),
  });
}

function ok(value: object): Reply {
  return { status: 200, payload: JSON.stringify(value), requestId: "-" };
}

function send(outgoing: ServerResponse, reply: Reply, headers: Record<string, string> = {}): void {
  const { status, payload, requestId, errorType, functionError } = reply;
  // JSON 1.1 (SSM) names the error in the body, REST JSON (Lambda) in the header.
  const body = errorType ? JSON.stringify({ __type: errorType, ...JSON.parse(payload) }) : payload;
  outgoing.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "x-amzn-requestid": requestId,
    ...(errorType && { "x-amzn-errortype": errorType }),
    ...(functionError && { "x-amz-function-error": functionError }),
    ...headers,
  });
  outgoing.end(body);
}

export async function readAll(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
