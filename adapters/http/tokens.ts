import type { Checker } from "../../src/internals.ts";
import { problem } from "./problem.ts";
import { isBearer } from "./secret.ts";

/**
 * What a token opens. `wake`: `POST /wake`. `push`: pushing messages. `drain`: `POST /drain`, and waking. `read`: whatever only
 * looks. `operate`: everything.
 */
export type HttpScope = "wake" | "push" | "drain" | "read" | "operate";

/**
 * A bearer token and what it opens; one that is undefined opens nothing. For rotation give two at once, and take the old one
 * away when nobody sends it.
 */
export interface HttpToken {
  readonly token: string | undefined;
  readonly scopes: readonly HttpScope[];
}

const scopes: readonly HttpScope[] = ["wake", "push", "drain", "read", "operate"];

export const tokensKind: Checker<readonly HttpToken[] | undefined> = {
  wanted: `an array of { token, scopes }: a text of ASCII without white space at its ends, and some of ${scopes.join(", ")}`,
  isSecret: true,
  allows: (value) =>
    Array.isArray(value) &&
    value.every(
      (one: HttpToken) =>
        (one.token === undefined ||
          (typeof one.token === "string" && /^[!-~]([ -~]*[!-~])?$/.test(one.token))) &&
        Array.isArray(one.scopes) &&
        one.scopes.every((scope) => scopes.includes(scope)),
    ),
};

/** Wrong tokens that are answered with 401 in one minute; the others get 429. */
const wrongMax = 30;
const windowMs = 60_000;

/** Counts a wrong token, and says in how many seconds another is worth sending; 0 while there have been few. */
export type WrongTokens = () => number;

/** What a process remembers of wrong tokens: how many there were in this minute. */
export function countWrongTokens(now: () => number = Date.now): WrongTokens {
  let count = 0;
  let endsAt = 0;
  return () => {
    const at = now();
    if (at >= endsAt) {
      count = 0;
      endsAt = at + windowMs;
    }
    count += 1;
    return count > wrongMax ? Math.ceil((endsAt - at) / 1_000) : 0;
  };
}

/** Who may do what. */
export interface Access {
  /**
   * What a request is answered that has no token of that scope, or of any where none is named; null for one that has. A right
   * token is let in however many wrong ones there were.
   */
  refusal(request: Request, scope?: HttpScope): Promise<Response | null>;
  /** What the token of a request opens; null where it is wrong or missing. */
  scopesOf(request: Request): Promise<readonly HttpScope[] | null>;
}

export function accessBy(given: readonly HttpToken[], countWrong: WrongTokens): Access {
  const tokens = given.filter(({ token }) => token !== undefined);
  const opens = (given: readonly HttpScope[], wanted: HttpScope | undefined): boolean =>
    given.some(
      (one) => one === (wanted ?? one) || one === "operate" || (one === "drain" && wanted === "wake"),
    );
  const scopesOf: Access["scopesOf"] = async ({ headers }) => {
    let found: readonly HttpScope[] | null = null;
    // One that is given twice opens what either says.
    for (const { token, scopes } of tokens)
      if (await isBearer(headers.get("authorization"), token as string))
        found = [...(found ?? []), ...scopes];
    return found;
  };
  return {
    scopesOf,
    async refusal(request, wanted) {
      if (!tokens.some(({ scopes }) => opens(scopes, wanted)))
        return problem(403, `Closed: no token is configured${wanted ? ` for "${wanted}"` : ""}.`);
      const known = await scopesOf(request);
      if (known) return opens(known, wanted) ? null : problem(403, "This token does not open this.");
      const waitS = request.headers.has("authorization") ? countWrong() : 0;
      if (waitS > 0) return problem(429, "Too many wrong tokens.", { "Retry-After": String(waitS) });
      return problem(401, "A valid bearer token is wanted.", { "WWW-Authenticate": "Bearer" });
    },
  };
}
