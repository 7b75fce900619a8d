/** Every bound that no option sets, with its reason. */
export const limits = {
  /** After this many messages of expired leases a request recovers no other. Reason: a script blocks Redis. */
  recoverCountMax: 1_000,
  /** Due delayed messages that one request promotes. Reason: the same. */
  promoteCountMax: 1_000,
  /** Sendings of one request that may be repeated. Reason: with the waits below, about 1.6 s of trying. */
  sendCountMax: 6,
  /** First wait before a request is sent again, ms; each next one is twice as long. */
  resendWaitMs: 50,
  /** A request sent at or after the budget's end may take this long, ms. Reason: a late settle beats none. */
  lastTimeoutMs: 1_000,
  /** How long a lease outlives the moment its drain must have ended, ms. Reason: clocks and networks are a little late. */
  leaseMarginMs: 5_000,
  /** How long a quiet, lone drain goes without looking for leases of others, delayed messages and attempts, ms. */
  quietMs: 1_000,
  /** Payloads a `push` sends in one command. Reason: Upstash takes requests up to 10 MB. */
  pushCountMax: 1_000,
  /** Bytes of payload a `push` sends in one command, before base64 or JSON escapes. Reason: the same. */
  pushBytesMax: 4 * 1024 * 1024,
  /** How long the plain engine may hold the right to recover, ms. Reason: longer than one request may take. */
  recoveringMs: 30_000,
} as const;
