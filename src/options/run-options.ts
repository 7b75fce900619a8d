import type { ChainPosition } from "../chain/hop.ts";
import * as limits from "../limits.ts";
import {
  type Checked,
  checkOptions,
  integer,
  type Kinds,
  object,
  required,
  table,
  text,
} from "./option-kinds.ts";

/** Options of one `run`, which rejects with `OptionError` for a bad one. */
export interface RunOptions {
  /**
   * The time budget of this drain, ms, from 1 to 86,400,000.
   * @default 60000
   */
  budgetMs?: number;
  /** Messages to claim, at most. Default: no limit. */
  maxMessages?: number;
  /**
   * Requests this drain may send, for platforms that count them, at least 10; it stops a few short of that. Default: no
   * limit.
   */
  maxRequests?: number;
  /**
   * What one message's handler and listeners take of `maxRequests`, from 0 to 1,000; the markers of `idempotent` are
   * counted by themselves.
   * @default 0
   */
  requestsPerMessage?: number;
  /** Aborting it ends the drain early: running handlers get their abort signal, the rest is released. */
  signal?: AbortSignal;
  /**
   * How long handlers may still run after that, ms, from 0 to 86,400,000, before they are left behind. Default: half of the
   * drain's `reserveMs`.
   */
  abortMs?: number;
  /** Where this drain stands in its chain, as the continuation that started it said. Default: it starts one. */
  chain?: ChainPosition;
}

const runKinds = {
  budgetMs: integer({ min: 1, max: 86_400_000, default: 60_000 }),
  maxMessages: integer({ min: 1, default: Number.POSITIVE_INFINITY }),
  maxRequests: integer({ min: 10, default: Number.POSITIVE_INFINITY }),
  requestsPerMessage: integer({ min: 0, max: 1_000, default: 0 }),
  signal: object({ methods: ["addEventListener"], wanted: "an AbortSignal" }),
  abortMs: integer({ min: 0, max: 86_400_000 }),
  chain: table({
    id: required(
      text({
        pattern: new RegExp(`^\\P{Cc}{1,${limits.chainIdCharsMax}}$`, "u"),
        wanted: `a string of 1 to ${limits.chainIdCharsMax} characters, none of them a control character`,
      }),
    ),
    hop: required(integer({ min: 0, max: limits.hopMax })),
    paceUs: integer({ min: 0, max: limits.paceUsMax }),
  }),
} satisfies Kinds<RunOptions>;

export type CheckedRunOptions = Checked<typeof runKinds>;

export function checkRunOptions(options: unknown): CheckedRunOptions {
  return checkOptions(runKinds, options);
}
