import type { Hono } from "hono";
import type { Drain } from "../../src/index.ts";
import type { Checker } from "../../src/internals.ts";
import type { Access } from "./tokens.ts";

/** What an app serves: at least what runs, and tells how it stands. */
export type ServedDrain = Pick<Drain, "list" | "run" | "stats"> &
  Partial<Pick<Drain, "wake">> & {
    /** The drain itself, of a host that makes it when it is first needed. */
    opened?(): object;
  };

/** What routes are given to work with. */
export interface RoutesContext extends Access {
  readonly drain: ServedDrain;
  /** How long an answer may take at most, ms. */
  readonly budgetMs: number;
  /** Aborted when the host stops: whatever is still answered then ends. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Routes that an app serves beside its own, such as `operations()`; `honoRoutes` makes them. Who does not name them ships none
 * of them, and on Workers no Hono either.
 */
export interface HttpRoutes {
  /** Adds them to the app, once, while it is made. */
  addTo(app: Hono, context: RoutesContext): void;
  /** Makes an app for them, where the host has none. */
  newApp(): Hono;
  /** Has the app refuse other methods of its paths, when all routes are there. */
  seal(app: Hono): void;
}

export const routesKind: Checker<readonly HttpRoutes[] | undefined> = {
  wanted: "an array of routes, such as [operations()]",
  isSecret: "text",
  allows: (value) => Array.isArray(value) && value.every((one) => typeof one.addTo === "function"),
};
