import { OptionError } from "../errors.ts";
import * as limits from "../limits.ts";
import {
  boolean,
  type Checked,
  type Checker,
  checkOptions,
  choice,
  func,
  integer,
  type Kinds,
  required,
  table,
} from "../options/option-kinds.ts";
import { show } from "../options/show.ts";

/**
 * A message to push: text goes as its UTF-8, bytes as they are, and anything else as the codec encodes it: as JSON, where
 * no codec was given.
 */
export type Pushable = string | Uint8Array | object;

/** Options of `push`, which throws `OptionError` for a bad one. */
export interface PushOptions {
  /** The messages are due so many ms from now, on Redis' own clock, at most a year. Default: at once. */
  delayMs?: number;
  /** The messages are due at this moment: a Date, or epoch ms. One that has passed is now. Not with `delayMs`. */
  at?: Date | number;
  /**
   * `next`: they are the next to be claimed, before all that wait, the first given first. Not with `delayMs` or `at`.
   * @default "last"
   */
  priority?: "last" | "next";
  /**
   * Pushes only messages whose id was not pushed in the last `ttlMs`, by anyone who pushes with ids. `id` gives the id of
   * a message, a string of 1 to 512 characters; each id costs Redis a key for that time, and for two minutes at least. Such a
   * push is sent again where a reply was lost: nothing is pushed twice by that. Not with the plain engine, which runs no scripts.
   */
  dedupe?: { id: (message: Pushable) => string; ttlMs: number };
  /**
   * Of a list with `shards`: gives the key of a message, a string of 1 to 512 characters; all messages of one key go to one
   * shard. Default: the id of `dedupe`, and where there is none the messages are spread evenly.
   */
  key?: (message: Pushable) => string;
  /**
   * Whether a push to an empty list has the drain's `continuation` start a drain at once, in place of the next tick; it
   * asks Redis first whether one is live. Where there is no continuation, nothing is started and nothing asked.
   * @default true
   */
  wake?: boolean;
}

const isMoment = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= limits.momentMsMax;

const pushKinds = {
  delayMs: integer({ min: 0, max: limits.delayMsMax }),
  at: {
    wanted: "a valid Date, or epoch ms",
    allows: (value: unknown) => isMoment(value instanceof Date ? value.getTime() : value),
  } as Checker<Date | number | undefined>,
  priority: choice(["last", "next"], { default: "last" }),
  dedupe: table({
    id: required(func<(message: Pushable) => string>()),
    ttlMs: required(integer({ min: 1, max: limits.delayMsMax })),
  }),
  key: func<(message: Pushable) => string>(),
  wake: boolean({ default: true }),
} satisfies Kinds<PushOptions>;

export interface CheckedPushOptions extends Omit<Checked<typeof pushKinds>, "at"> {
  /** Epoch ms. */
  readonly at: number | undefined;
}

export function checkPushOptions(options: unknown, canRunScripts: boolean): CheckedPushOptions {
  const { at, ...checked } = checkOptions(pushKinds, options);
  const isDelayed = at !== undefined || checked.delayMs !== undefined;
  if (at !== undefined && checked.delayMs !== undefined) {
    throw new OptionError("at", "left out where delayMs is given", show(at));
  }
  if (isDelayed && checked.priority === "next") {
    throw new OptionError("priority", '"last" where messages are delayed', '"next"');
  }
  if (checked.dedupe && !canRunScripts) {
    throw new OptionError("dedupe", "left out with the plain engine, which runs no scripts", "an object");
  }
  return { ...checked, at: at instanceof Date ? at.getTime() : at };
}
