// Counts page views. The totals are exact, even if it is killed, run twice, or loses a reply.
import { ack, createDrain } from "spillway";
import { upstash } from "spillway/upstash";

interface View {
  readonly page: string;
  readonly visitor: string;
}

const drain = createDrain<View>({
  redis: upstash({ url: process.env.UPSTASH_REDIS_REST_URL, token: process.env.UPSTASH_REDIS_REST_TOKEN }),
  list: "views",
  batchSize: 20,
  // The messages of a run that died are back in the list a moment after this.
  leaseMs: 10_000,
  handler: ({ value: { page, visitor } }) =>
    // Redis adds it in the same step in which it acknowledges the message: both happen, or neither.
    ack({
      effects: [
        ["HINCRBY", "{views}:totals", page, 1],
        ["PFADD", "{views}:visitors", visitor],
      ],
    }),
});

const report = await drain.run();
console.log(`Counted ${report.acked} views; stopped: ${report.stopped}.`);
await drain.close();
