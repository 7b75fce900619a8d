import BeeQueue from "bee-queue";
import { connectionTo } from "./bullmq.ts";
import { type Peer, queueName } from "./types.ts";

/** bee-queue, set as lean as it goes. */
export const bee: Peer = {
  transport: "tcp",
  async fill({ redisUrl }, payloads) {
    const queue = new BeeQueue(queueName, {
      redis: connectionTo(redisUrl),
      isWorker: false,
      getEvents: false,
    });
    await queue.ready();
    for (let at = 0; at < payloads.length; at += 1_000) {
      const failed = await queue.saveAll(
        payloads.slice(at, at + 1_000).map((payload) => queue.createJob(payload)),
      );
      if (failed.size > 0) throw new Error(`bee-queue could not save ${failed.size} jobs`);
    }
    await queue.close();
  },
  async consume({ url }, { handler, concurrency, count }) {
    const queue = new BeeQueue<string>(queueName, {
      redis: connectionTo(url),
      getEvents: false,
      sendEvents: false,
      removeOnSuccess: true,
      storeJobs: false,
    });
    let done = 0;
    await new Promise<void>((resolve) => {
      queue.on("succeeded", () => {
        if (++done === count) resolve();
      });
      queue.process(concurrency, async (job) => handler(job.data));
    });
    await queue.close();
  },
};
