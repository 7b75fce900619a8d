import { createServer, request as forward, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One request as the proxy saw it. */
export interface ProxiedRequest {
  /** From 0. */
  readonly index: number;
  readonly path: string;
  readonly body: Buffer;
}

/**
 * What becomes of a request. `drop-request`: it never arrives. `drop-reply`: it runs, and its answer is lost.
 * `double`: it arrives twice, and the client sees the second answer. An object answers in the target's place; a
 * function makes another answer of the target's.
 */
export type Decision =
  | "pass"
  | "drop-request"
  | "drop-reply"
  | "double"
  | "hang"
  | ReplyInPlace
  | ((body: Buffer) => ReplyInPlace | "pass");

interface ReplyInPlace {
  readonly status: number;
  readonly body: string | Buffer;
  /** More than there is: the connection ends in the middle of the body. */
  readonly claimedLength?: number;
}

export interface HttpProxy {
  readonly url: string;
  readonly requests: readonly ProxiedRequest[];
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

/** An HTTP proxy on a free port that mistreats requests as told. */
export async function startHttpProxy(options: {
  target: string;
  decide: (request: ProxiedRequest) => Decision | Promise<Decision>;
}): Promise<HttpProxy> {
  const requests: ProxiedRequest[] = [];
  const server = createServer(async (incoming, outgoing) => {
    const request = { index: requests.length, path: incoming.url ?? "/", body: await readAll(incoming) };
    requests.push(request);
    const decision = await options.decide(request);
    if (decision === "hang") return;
    if (decision === "drop-request") return void incoming.socket.destroy();
    if (typeof decision === "object") return reply(outgoing, decision);
    if (decision === "double") await send(options.target, incoming, request.body);
    const answer = await send(options.target, incoming, request.body);
    if (decision === "drop-reply") return void incoming.socket.destroy();
    const other = typeof decision === "function" ? decision(answer.body) : "pass";
    if (other !== "pass") return reply(outgoing, other);
    outgoing.writeHead(answer.status, answer.headers).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function reply(outgoing: ServerResponse, { status, body, claimedLength }: ReplyInPlace): void {
  const length = claimedLength ?? Buffer.byteLength(body);
  outgoing.writeHead(status, { "content-type": "application/json", "content-length": length });
  if (claimedLength === undefined) outgoing.end(body);
  else outgoing.write(body, () => outgoing.destroy());
}

function send(target: string, incoming: IncomingMessage, body: Buffer): Promise<Answer> {
  const { host: _host, connection: _connection, "content-length": _length, ...headers } = incoming.headers;
  return new Promise((resolve, reject) => {
    const outgoing = forward(
      new URL(incoming.url ?? "/", target),
      { method: incoming.method, headers: { ...headers, "content-length": body.length } },
      async (answer) => {
        const { connection: _1, "transfer-encoding": _2, ...kept } = answer.headers;
        resolve({
          status: answer.statusCode ?? 500,
          headers: kept as Record<string, string>,
          body: await readAll(answer),
        });
      },
    );
    outgoing.once("error", reject);
    outgoing.end(body);
  });
}

async function readAll(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
