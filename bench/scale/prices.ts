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
} as const;
