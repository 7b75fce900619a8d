import type { ChainPosition, DrainReport, ReceiveHop } from "../../../src/index.ts";
import type { HttpRoutes } from "../../http/routes.ts";
import type { HttpToken } from "../../http/tokens.ts";

/** What a platform passes with a request, as far as it is used here. Netlify and Workers pass it in this form. */
export interface FetchContext {
  /** Keeps the function alive after its answer, until the promise has settled. */
  waitUntil?(promise: Promise<unknown>): void;
}

export interface FetchHandlerOptions {
  /** Bearer token for `POST /drain` and `GET /stats`. Without one, both are closed to everything but hops. */
  readonly token?: string | undefined;
  /** Bearer token that opens `POST /wake`, which the other one opens too, and nothing else. Default: none. */
  readonly wakeToken?: string | undefined;
  /** More tokens, each with what it opens, as `createHttpApp` has it. Default: none. */
  readonly tokens?: readonly HttpToken[] | undefined;
  /** Routes to serve beside: `[operations()]`. Default: none. */
  readonly routes?: readonly HttpRoutes[] | undefined;
  /** Where the routes begin, such as `/api`. Default: at the root. */
  readonly basePath?: string;
  /** The whole path that takes hops by `POST`. Default: `/drain` after the base path. */
  readonly hopPath?: string;
  /** The whole path that the platform's schedule calls by `GET`. Default: `/cron` after the base path. */
  readonly cronPath?: string;
  /** The secret that the schedule sends as a bearer token. Without one, that path is closed. */
  readonly cronSecret?: string | undefined;
  /**
   * Recognises the hops of the continuation: `signedReceiver(…)` of `spillway/signed`, `qstashReceiver(…)` of
   * `spillway/qstash`, or a `ReceiveHop` of your own. A hop needs no token. Default: no hops are taken.
   */
  readonly receiveHop?: ReceiveHop;
  /** Budget of a drain, and the most that a caller may ask for, ms. Give the platform's limit less a few seconds. Default: 25,000. */
  readonly budgetMs?: number;
  /** Passed to every run: aborting it ends the runs under way. */
  readonly signal?: AbortSignal;
  /**
   * Called with the report of each run that a schedule, a hop or a wake started. Default: logs each report of a drain that found
   * something or failed as one line of JSON, also those of calls with the token.
   */
  readonly onReport?: (report: DrainReport, chain: ChainPosition) => void;
}
