import { createHash, createHmac, randomUUID } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A message as it was published. */
export interface Published {
  readonly destination: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface QstashServerOptions {
  readonly token: string;
  readonly signingKey: string;
  /** What the publish endpoint answers to its next calls instead of taking the message. */
  readonly answers?: (number | "lost")[];
  /** Where those answers lead that are redirects. */
  readonly redirectTo?: string;
  /** How often each message is delivered. Default: 1. */
  readonly deliveries?: number;
  /** Whether timers are delivered by themselves when they are due. Default: false, `fireTimers` delivers them. */
  readonly waits?: boolean;
}

/**
 * As much of QStash as a chain needs, at `POST /v2/publish/<url>`: takes a message, drops doubles by their id, waits until
 * its time, delivers it with a signature, and again after an answer that is not 2xx, as often as the message says.
 */
export class QstashServer {
  /** Every publish that was taken, doubles included. */
  readonly published: Published[] = [];
  /** How many requests have come, whatever they were. */
  requestCount = 0;
  /** The status of each delivery. */
  readonly delivered: number[] = [];
  /** Timers that are set and wait to be fired. */
  readonly #timers: Published[] = [];
  readonly #ids = new Set<string>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #options: QstashServerOptions;
  readonly #server: Server;

  constructor(options: QstashServerOptions) {
    this.#options = options;
    this.#server = createServer(async (request, response) => {
      this.requestCount += 1;
      let body = "";
      for await (const chunk of request) body += chunk;
      const answer = options.answers?.shift();
      if (typeof answer === "number") {
        const leads = options.redirectTo && { location: `${options.redirectTo}${request.url}` };
        return void response.writeHead(answer, leads || {}).end("{}");
      }
      const [, destination] = /^\/v2\/publish\/(.+)$/.exec(request.url ?? "") ?? [];
      if (request.method !== "POST" || !destination) return void response.writeHead(404).end("{}");
      if (request.headers.authorization !== `Bearer ${options.token}`) {
        return void response.writeHead(401).end('{"error":"invalid token"}');
      }
      this.#take({ destination, headers: request.headers, body });
      if (answer === "lost") return void request.socket.destroy();
      response.writeHead(201, { "content-type": "application/json" });
      response.end(JSON.stringify({ messageId: `msg_${randomUUID()}` }));
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get timerCount(): number {
    return this.#timers.length;
  }

  /** Delivers the timers that are set, as the passing of time would; resolves with when each was due, in seconds. */
  fireTimers(): number[] {
    const due = this.#timers.splice(0);
    for (const message of due) this.#deliver(message);
    return due.map(({ headers }) => Number(headers["upstash-not-before"]));
  }

  /** Resolves when no delivery is under way. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #take(message: Published): void {
    this.published.push(message);
    const id = message.headers["upstash-deduplication-id"];
    if (typeof id === "string") {
      if (this.#ids.has(id)) return;
      this.#ids.add(id);
    }
    const notBefore = message.headers["upstash-not-before"];
    if (notBefore !== undefined && this.#options.waits) {
      setTimeout(() => this.#deliver(message), Number(notBefore) * 1_000 - Date.now());
    } else if (notBefore !== undefined) this.#timers.push(message);
    else for (let sent = 0; sent < (this.#options.deliveries ?? 1); sent++) this.#deliver(message);
  }

  #deliver(message: Published): void {
    const delivery = this.#send(message);
    this.#underWay.add(delivery);
    delivery.finally(() => this.#underWay.delete(delivery));
  }

  async #send({ destination, headers, body }: Published): Promise<void> {
    const retries = Number(headers["upstash-retries"]);
    for (let sent = 0; sent <= retries; sent++) {
      const answer = await fetch(destination, {
        method: String(headers["upstash-method"]),
        headers: {
          "content-type": String(headers["content-type"]),
          "upstash-signature": deliverySignature({ destination, body, key: this.#options.signingKey }),
        },
        body,
      });
      await answer.text();
      this.delivered.push(answer.status);
      if (answer.ok) return;
    }
  }
}

/** The token that QStash sends with a delivery. Source: Upstash docs, "Security": the Upstash-Signature header. */
export function deliverySignature(of: {
  destination: string;
  body: string;
  key: string;
  nowMs?: number;
  issuer?: string;
}): string {
  const now = Math.floor((of.nowMs ?? Date.now()) / 1_000);
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString("base64url");
  const claims = {
    iss: of.issuer ?? "Upstash",
    sub: of.destination,
    exp: now + 300,
    nbf: now,
    iat: now,
    jti: `jwt_${randomUUID()}`,
    body: createHash("sha256").update(of.body).digest("base64url"),
  };
  const text = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
  return `${text}.${createHmac("sha256", of.key).update(text).digest("base64url")}`;
}
