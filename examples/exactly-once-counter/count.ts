// Counts page views: however often it is killed, run twice, or loses a reply, the totals are exact.
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
    // Redis adds it up in the step in which the message is acknowledged: both happen, or neither.
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
