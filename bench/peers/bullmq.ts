import { Queue, Worker } from "bullmq";
import { type Peer, type Place, queueName } from "./types.ts";

export function connectionTo(url: string) {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port), maxRetriesPerRequest: null };
}

/** BullMQ 6, with jobs removed when they are done. */
export const bullmq: Peer = {
  transport: "tcp",
  async fill({ redisUrl }: Place, payloads) {
    const queue = new Queue(queueName, { connection: connectionTo(redisUrl) });
    const opts = { removeOnComplete: true, attempts: 5, backoff: { type: "fixed", delay: 1 } };
    for (let at = 0; at < payloads.length; at += 1_000) {
      await queue.addBulk(
        payloads.slice(at, at + 1_000).map((payload) => ({ name: "message", data: payload, opts })),
      );
    }
    await queue.close();
  },
  async consume({ url }, { handler, concurrency, count }) {
    let done = 0;
    let worker: Worker | undefined;
    await new Promise<void>((resolve) => {
      worker = new Worker(queueName, async (job) => handler(job.data), {
        connection: connectionTo(url),
        concurrency,
      });
      worker.on("completed", () => {
        if (++done === count) resolve();
      });
      // A failed job is tried again.
      worker.on("failed", () => undefined);
    });
    await worker?.close();
  },
};
