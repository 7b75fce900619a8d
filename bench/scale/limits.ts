/** What the platforms publish of how they scale, and what is assumed where they publish nothing. */
export const published = {
  /** New environments of a function: "Lambda scaling behavior", Lambda Developer Guide. */
  lambdaEnvironmentsPer10s: 1_000,
  /**
   * SQS event source mappings: 5 at once, 300 more a minute, "Configuring scaling behavior for SQS event source mappings",
   * Lambda Developer Guide. It has named 1,000 and 1,250 as the most; the larger counts here.
   */
  sqsFirst: 5,
  sqsMoreAMinute: 300,
  sqsMost: 1_250,
  /** Commands a second of one pay-as-you-go database: "Pricing & Billing", Upstash. */
  upstashCommandsPerSecond: 10_000,
} as const;

/** Redis commands a message, those in scripts too. `test/bench/counts.test.ts` holds the first one. */
export const measured = {
  /** In batches of 100. */
  commandsPerMessage: 0.09,
  /** In batches that grow to 1,000. */
  commandsPerMessageGrown: 0.04,
} as const;

/** Not published: what is measured by many, and taken for all here. */
export const assumed = {
  /** From the Invoke call to the function's begin, in a warm environment, ms. */
  invokeMs: 50,
  /** What a new environment takes more, ms. */
  coldStartMs: 250,
  /** From the call of a Durable Object that is not in memory to its answer, ms. */
  objectMs: 100,
  /** How long after its moment an alarm fires, ms. */
  alarmMs: 50,
  /** One round trip to Redis, ms. */
  roundTripMs: 2,
  /** What one list's Redis carries, messages a second: "The longest script" and "Handlers that do nothing" in benchmarks.md. */
  redisMessagesPerSecond: 150_000,
  /** Messages of one invocation by SQS. */
  sqsBatch: 10,
} as const;
