import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A message as it came. */
export interface Delivery {
  readonly payload: string;
  readonly idempotencyKey: string | undefined;
}

export interface ReceiverOptions {
  /** The status for a payload. Default: 204 for all. */
  readonly statusOf?: (payload: string) => number;
  /** Told how many have come, before each is answered. */
  readonly onDelivery?: (count: number) => void;
}

/** Where the examples post their messages (`DELIVER_TO`), over real HTTP. */
export class Receiver {
  /** What has been answered, in that order. */
  readonly answered: Delivery[] = [];
  readonly #held: ServerResponse[] = [];
  readonly #server: Server;
  #answersLeft = Number.POSITIVE_INFINITY;
  #isHolding: { count: number; resolve: () => void } | undefined;

  constructor({ statusOf = () => 204, onDelivery }: ReceiverOptions = {}) {
    this.#server = createServer(async (request, response) => {
      let payload = "";
      for await (const chunk of request.setEncoding("utf8")) payload += chunk;
      if (this.#answersLeft === 0) return this.#hold(response);
      this.#answersLeft -= 1;
      const key = request.headers["idempotency-key"];
      this.answered.push({ payload, idempotencyKey: typeof key === "string" ? key : undefined });
      onDelivery?.(this.answered.length);
      response.writeHead(statusOf(payload)).end();
    });
  }

  /** Resolves with its URL. */
  async start(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** Answers so many more, and then none; resolves once `heldCount` wait for an answer. */
  holdAfter(answerCount: number, heldCount: number): Promise<void> {
    this.#answersLeft = answerCount;
    return new Promise((resolve) => {
      this.#isHolding = { count: heldCount, resolve };
    });
  }

  /** Answers all that come from now on. */
  goOn(): void {
    this.#answersLeft = Number.POSITIVE_INFINITY;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #hold(response: ServerResponse): void {
    this.#held.push(response);
    if (this.#held.length === this.#isHolding?.count) this.#isHolding.resolve();
  }
}
