import type { Hono } from "hono";
import { newApp, refuseOtherMethods } from "./hono.ts";
import type { HttpRoutes, RoutesContext } from "./routes.ts";

/** Routes for the option `routes`, from a function that adds them to an app. */
export function honoRoutes(addTo: (app: Hono, context: RoutesContext) => void): HttpRoutes {
  return { addTo, newApp, seal: refuseOtherMethods };
}
