import { baseRoutes, type HttpAppOptions, refuseOthers } from "./base-routes.ts";
import type { Call } from "./call.ts";
import { answerFailure } from "./failure.ts";
import type { ServedDrain } from "./routes.ts";
import type { WrongTokens } from "./tokens.ts";

/**
 * The app of `createHttpApp` for a host where each kilobyte counts: Hono comes along only with `routes` that are served beside.
 * Throws `OptionError` for bad options.
 */
export function plainApp(
  drain: ServedDrain,
  options: HttpAppOptions,
  countWrong: WrongTokens,
): (call: Call) => Promise<Response> {
  const { base, context, routes } = baseRoutes(drain, options, countWrong);
  const answer = async (call: Call): Promise<Response> => {
    const { method, url } = call.request;
    const { pathname } = new URL(url);
    const here = base.filter(({ path }) => path === pathname);
    for (const one of here) {
      const said = one.method === (method === "HEAD" ? "GET" : method) && (await one.answer(call));
      if (said) return method === "HEAD" ? new Response(null, said) : said;
    }
    const [first] = routes;
    if (!first || here.length > 0) return refuseOthers(here.map((one) => one.method));
    const app = first.newApp();
    for (const one of routes) one.addTo(app, context);
    first.seal(app);
    return app.fetch(call.request, undefined, call.waitUntil && ({ waitUntil: call.waitUntil } as never));
  };
  return async (call) => {
    const said = await answer(call).catch(answerFailure);
    said.headers.set("Cache-Control", "no-store");
    return said;
  };
}
