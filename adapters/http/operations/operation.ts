import type { Context, Hono } from "hono";
import type { Drain } from "../../../src/index.ts";
import { readJson } from "../json-body.ts";
import { Refusal } from "../problem.ts";
import type { Access, HttpScope } from "../tokens.ts";
import type { OperatedDrains } from "./drains.ts";
import { type ParameterName, parameters, type Schema } from "./schemas.ts";

/** One route: what it is called by, what opens it, what it does, and what the OpenAPI document says of it. */
export interface Operation {
  readonly method: "get" | "post" | "put" | "delete";
  /** As OpenAPI writes it: `/dead-letters/{id}`. */
  readonly path: string;
  /** Left out where any token opens it. */
  readonly scope?: HttpScope;
  readonly summary: string;
  /** Query parameters that it takes; any other is refused. */
  readonly query?: readonly ParameterName[];
  /** The body that it takes; without one only an empty one is taken. */
  readonly body?: { readonly schema: Schema; readonly bytesMax?: number };
  /** What it answers with 200. Default type: JSON. */
  readonly answer: { readonly schema: Schema; readonly type?: string };
  run(call: Call): Promise<object>;
}

/** One call of an operation. */
export interface Call {
  readonly context: Context;
  readonly query: Readonly<Record<string, unknown>>;
  /** A JSON object; its fields are checked by whoever reads them. */
  readonly body: Readonly<Record<string, unknown>>;
  /** The drain of the list that the call names. Throws `Refusal` where there is none. */
  drain(): Drain;
}

const bodyBytesMax = 65_536;

/** Serves it. What `run` gives is the answer: a `Response`, or what goes as JSON. */
export function serveOperation(
  app: Hono,
  operation: Operation,
  access: Access,
  drains: OperatedDrains,
): void {
  const { method, path, scope, query = [], body } = operation;
  app.on(method.toUpperCase(), path.replace(/\{(\w+)\}/g, ":$1"), async (context) => {
    const refusal = await access.refusal(context.req.raw, scope);
    if (refusal) return refusal;
    context.header("X-Content-Type-Options", "nosniff");
    const asked = readQuery(context.req.url, query);
    const given = method === "get" ? {} : await readJson(context.req.raw, body?.bytesMax ?? bodyBytesMax);
    if (typeof given !== "object" || given === null || Array.isArray(given))
      throw new Refusal(400, "The body must be a JSON object.");
    if (!body && Object.keys(given).length > 0) throw new Refusal(400, "The body must be empty.");
    const answer = await operation.run({
      context,
      query: asked,
      body: given as Call["body"],
      drain: () => drains.of(asked.list),
    });
    return answer instanceof Response ? answer : context.json(answer);
  });
}

/** The parameters of a URL, numbers as numbers. Throws `Refusal` for one that is not known, and one that comes twice. */
function readQuery(url: string, names: readonly ParameterName[]): Record<string, unknown> {
  const read: Record<string, unknown> = {};
  for (const [name, value] of new URL(url).searchParams) {
    const known = names.find((one) => one === name);
    if (!known)
      throw new Refusal(400, `The query may have ${names.join(", ") || "nothing"}; it has another name.`);
    if (Object.hasOwn(read, known)) throw new Refusal(400, `The query must have ${known} once.`);
    const isNumber = parameters[known].schema.type === "integer" && /^\d{1,16}$/.test(value);
    read[known] = isNumber ? Number(value) : value;
  }
  return read;
}
