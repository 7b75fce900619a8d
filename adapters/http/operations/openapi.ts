import type { Operation } from "./operation.ts";
import { parameters, record, ref, type Schema, schemas, text } from "./schemas.ts";

/** What the document says of a route. */
type Described = Omit<Operation, "run"> & {
  readonly isOpen?: boolean;
  readonly answers?: Readonly<Record<string, string>>;
};

/** The routes that every app has. */
const ownRoutes: readonly Described[] = [
  {
    method: "post",
    path: "/drain",
    scope: "drain",
    summary:
      "Drain, and answer with the report; with Prefer: respond-async answer at once, where the host can.",
    body: {
      schema: {
        type: "object",
        properties: {
          budgetMs: { type: "integer", minimum: 1 },
          maxMessages: { type: "integer", minimum: 1 },
        },
        additionalProperties: false,
      },
    },
    answer: { schema: ref("Report") },
    answers: { 202: "The drain has begun." },
  },
  {
    method: "post",
    path: "/wake",
    scope: "wake",
    summary: "Have a drain begin, unless one is at work.",
    answer: { schema: record({ woken: { type: "boolean" } }) },
  },
  {
    method: "get",
    path: "/stats",
    scope: "read",
    summary: "Where the messages are.",
    answer: { schema: record({ list: text, stats: ref("Stats") }) },
  },
  {
    method: "get",
    path: "/health",
    summary: "Whether the process is up; it asks nothing of Redis.",
    isOpen: true,
    answer: { schema: record({ status: text }) },
  },
];

/** The OpenAPI document of an app with these operations. Its paths are relative to where it is served. */
function openApiOf(operations: readonly Described[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const one of [...ownRoutes, ...operations]) {
    paths[one.path] = { ...paths[one.path], [one.method]: describe(one) };
  }
  return {
    openapi: "3.1.0",
    info: { title: "Spillway", version: "1", description: "A drain of Redis lists, and what operates it." },
    servers: [{ url: "." }],
    paths,
    components: {
      schemas,
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
    },
  };
}

function describe({
  method,
  path,
  scope,
  summary,
  query = [],
  body,
  answer,
  answers,
  isOpen,
}: Described): object {
  const { schema, type = "application/json" } = answer;
  const success = path === "/wake" ? "202" : "200";
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: text,
  }));
  const inQuery = query.map((name) => ({ name, in: "query", required: false, ...parameters[name] }));
  const more = Object.entries(answers ?? {}).map(([status, description]) => [status, { description }]);
  return {
    summary,
    operationId: `${method}${path.replace(/\W+(\w?)/g, (_, letter: string) => letter.toUpperCase())}`,
    ...(scope && { description: `Wants a token with the scope ${scope}.` }),
    security: isOpen ? [] : [{ token: [] }],
    ...(inPath.length + inQuery.length > 0 && { parameters: [...inPath, ...inQuery] }),
    ...(body && { requestBody: { content: jsonOf(body.schema) } }),
    responses: {
      [success]: { description: "Done.", content: { [type]: { schema } } },
      ...Object.fromEntries(more),
      default: {
        description: "What is wrong.",
        content: { "application/problem+json": { schema: ref("Problem") } },
      },
    },
  };
}

function jsonOf(schema: Schema): object {
  return { "application/json": { schema } };
}

/** The route that serves the document. */
export function openApiOperation(operations: readonly Operation[]): Operation {
  const own: Operation = {
    method: "get",
    path: "/openapi.json",
    summary: "This document.",
    answer: { schema: { type: "object" } },
    run: async () => document,
  };
  const document = openApiOf([...operations, own]);
  return own;
}
