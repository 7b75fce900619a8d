import { once } from "../http/given-drain.ts";
import { honoRoutes } from "../http/hono-routes.ts";
import type { HttpRoutes } from "../http/routes.ts";
import { pageFiles } from "./page-files.ts";

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

const headers = {
  "Content-Security-Policy": policy,
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

/**
 * A page at `/ui` to look at lists and to operate them: it works through the routes of `operations()`, with the token that its
 * reader types in. The page itself is open to all, and tells nothing. A token with the scope `read` looks, one with `operate`
 * changes things.
 *
 * @example
 * createHttpApp(drain, { tokens: [{ token, scopes: ["operate"] }], routes: [operations(), dashboard()] });
 */
export function dashboard(): HttpRoutes {
  const files = once(pageFiles);
  const served = [
    ["/ui", "html", "text/html; charset=utf-8"],
    ["/ui/page.js", "js", "text/javascript; charset=utf-8"],
    ["/ui/page.css", "css", "text/css; charset=utf-8"],
  ] as const;
  return honoRoutes((app) => {
    for (const [path, name, type] of served) {
      app.get(path, async () => {
        const text = (await files())[name];
        return new Response(text, { headers: { ...headers, "Content-Type": type } });
      });
    }
  });
}
