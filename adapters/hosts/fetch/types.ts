import type { ChainPosition, DrainReport } from "../../../src/index.ts";
import type { NonceStore } from "../../continue/signed/index.ts";

/** What a platform gives with a request, as far as it is used here: Netlify and Workers pass it so. */
export interface FetchContext {
  /** Keeps the function alive after its answer, until the promise has settled. */
  waitUntil?(promise: Promise<unknown>): void;
}

/** Who may call with a signature of ours: see `spillway/signed`. */
export interface SignedHops {
  /** The keys that count, each of at least 32 bytes: one, or two while they are rotated. */
  readonly keys: readonly string[];
  /** Where calls are remembered, so that each counts once. */
  readonly nonces: NonceStore;
  /** How far the clocks of two machines may be apart, ms. Default: 5,000. */
  readonly clockSkewMs?: number;
  /** The longest time that a signature may be good for, ms. Default: 300,000. */
  readonly ttlMsMax?: number;
}

/** Tells whether a service may call: `qstashReceiver` of `spillway/qstash` is one. Given, so that no one loads what is not used. */
export interface DeliveryReceiver {
  /** The header by which its calls are known. */
  readonly header: string;
  /** The body of a call that counts, or null. */
  verify(request: Request): Promise<string | null>;
}

export interface FetchHandlerOptions {
  /** Bearer token that `POST /drain` and `GET /stats` want; without one both are closed to all but signed calls. */
  readonly token?: string | undefined;
  /** Where the routes begin, such as `/api`. Default: at the root. */
  readonly basePath?: string;
  /** The path that takes hops by `POST`, whole. Default: `/drain` after the base path. */
  readonly hopPath?: string;
  /** The path that a platform's schedule calls by `GET`, whole. Default: `/cron` after the base path. */
  readonly cronPath?: string;
  /** The secret that the schedule sends as a bearer token. Without one the path is closed. */
  readonly cronSecret?: string | undefined;
  /** Takes hops that `signedCalls` makes. Default: none. */
  readonly signed?: SignedHops;
  /** Takes what QStash delivers: `qstashReceiver(…)`. Default: none. */
  readonly qstash?: DeliveryReceiver;
  /** Budget of a drain, and the largest that a caller may ask for, ms: the platform's limit less a few seconds. Default: 25,000. */
  readonly budgetMs?: number;
  /** Given to every run: aborting it ends the runs under way. */
  readonly signal?: AbortSignal;
  /** Told the report of each run that a schedule or a hop started. */
  readonly onReport?: (report: DrainReport, chain: ChainPosition) => void;
}
