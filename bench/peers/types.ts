/** Where a peer works: the delayed endpoint it talks to, and the Redis behind it. */
export interface Place {
  /** Redis itself, without delay: for filling and looking. */
  readonly redisUrl: string;
  /** What the peer talks to, behind the delay: a REST URL, or a `redis://` one. */
  readonly url: string;
  readonly token: string;
}

interface Job {
  /** Messages to handle; `consume` resolves when all are handled and acknowledged. */
  readonly count: number;
  readonly concurrency: number;
  readonly batchSize?: number | undefined;
  readonly chains?: number | undefined;
  readonly slots?: number | undefined;
  /** May throw at a message's first attempt. */
  readonly handler: (payload: string) => Promise<void> | void;
}

/** One way to work off a queue in Redis. */
export interface Peer {
  readonly transport: "rest" | "tcp";
  /** Puts messages there, straight into Redis. */
  fill(place: Place, payloads: readonly string[]): Promise<void>;
  /** Opens connections and starts; the time from here on counts. */
  consume(place: Place, job: Job): Promise<void>;
}

/** The list, or queue, of every peer. */
export const queueName = "bench";
