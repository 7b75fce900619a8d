const titles: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  429: "Too Many Requests",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
};

/**
 * An answer that says what is wrong, as RFC 9457 has it: `application/problem+json` with title, status and detail. `more` are
 * members of ours.
 */
export function problem(
  status: number,
  detail: string,
  headers: Record<string, string> = {},
  more: object = {},
): Response {
  return Response.json(
    { title: titles[status], status, detail, ...more },
    {
      status,
      headers: { "Content-Type": "application/problem+json", "Cache-Control": "no-store", ...headers },
    },
  );
}

/** A request that is not served because of what it asks: answered with a problem, and logged nowhere. */
export class Refusal extends Error {
  readonly status: number;
  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}
