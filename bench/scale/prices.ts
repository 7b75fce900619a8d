/** List prices in US dollars, before any free tier or discount. */
export const prices = {
  /** "Pricing & Billing", Upstash, read 2026-11: pay as you go, 100,000 commands. */
  upstashPerCommand: 0.2 / 100_000,
  /** The same: a GB of traffic, past 200 GB a month. */
  upstashPerGb: 0.03,
  /** AWS Lambda pricing, N. Virginia, read 2026-11 at second hand: a request. */
  lambdaPerRequest: 0.2 / 1e6,
  /** The same: a GB-second on Arm, first tier. */
  lambdaPerGbSecond: 0.000_013_333_4,
  /** Amazon CloudWatch pricing, N. Virginia, read 2026-11 at second hand: a GB of logs taken in. */
  cloudWatchPerLogGb: 0.5,
  /** The same, a month: a metric, an alarm. */
  cloudWatchPerMetric: 0.3,
  cloudWatchPerAlarm: 0.1,
  /** Durable Objects, "Pricing", read 2026-11: a request, a row written, a GB-second, beyond what plans include. */
  objectPerRequest: 0.15 / 1e6,
  objectPerRow: 1 / 1e6,
  objectPerGbSecond: 12.5 / 1e6,
  /** Queues, "Pricing", read 2026-11: an operation. */
  queuePerOperation: 0.4 / 1e6,
} as const;
