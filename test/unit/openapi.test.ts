import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, it } from "vitest";
import { createHttpApp, operations } from "../../adapters/http/index.ts";
import { memory } from "../../adapters/local/memory.ts";
import { createDrain } from "../../src/index.ts";

interface Document {
  readonly paths: Record<string, Record<string, Route>>;
  readonly components: { readonly schemas: Record<string, Schema> };
}
interface Route {
  readonly security: object[];
  readonly parameters?: { readonly name: string; readonly in: string }[];
  readonly responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
}
interface Schema {
  readonly $ref?: string;
  readonly type?: string | string[];
  readonly anyOf?: Schema[];
  readonly properties?: Record<string, Schema>;
  readonly required?: string[];
  readonly items?: Schema;
}

const token = "operates";
const headers = { Authorization: `Bearer ${token}` };

async function served() {
  const drain = createDrain({
    redis: memory(),
    list: "mail",
    handler: () => {
      throw new TypeError("no");
    },
    maxAttempts: 1,
    brake: false,
  });
  await drain.push(["dead"]);
  await drain.run();
  await drain.push(["a", new Uint8Array([255])]);
  const app = createHttpApp(drain, { tokens: [{ token, scopes: ["operate"] }], routes: [operations()] });
  const document = (await (await app.request("/openapi.json", { headers })).json()) as Document;
  return { app, document, drain };
}

describe("the OpenAPI document", () => {
  it("is valid", async () => {
    const { document } = await served();
    const { valid, errors } = await new Validator().validate(document as never);
    expect([valid, errors]).toEqual([true, undefined]);
  });

  it("has every route that is served, and no other", async () => {
    const { app, document } = await served();
    const routes = app.routes
      .filter(({ method }) => method !== "ALL")
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.toSorted()).toEqual([...new Set(routes)].toSorted());
  });

  it("says truly which routes are open to whoever has no token", async () => {
    const { app, document } = await served();
    for (const [path, methods] of Object.entries(document.paths))
      for (const [method, { security }] of Object.entries(methods)) {
        const { status } = await app.request(path.replace("{id}", "x"), { method: method.toUpperCase() });
        expect([path, method, status === 401]).toEqual([path, method, security.length > 0]);
      }
  });

  it("says truly which queries are taken, and what is answered", async () => {
    const { app, document, drain } = await served();
    const [dead] = await drain.deadLetters.list();
    const schemaOf = (schema: Schema): Schema =>
      schema.$ref ? (document.components.schemas[schema.$ref.split("/").at(-1) as string] as Schema) : schema;
    for (const [path, { get }] of Object.entries(document.paths)) {
      if (!get || path === "/events") continue;
      const url = path.replace("{id}", dead?.id ?? "");
      const response = await app.request(url, { headers });
      expect([path, response.status]).toEqual([path, 200]);
      const [type, { schema }] = Object.entries(get.responses["200"]?.content ?? {})[0] as [
        string,
        { schema: Schema },
      ];
      expect(response.headers.get("content-type")).toContain(type);
      if (type === "application/json") mismatches(await response.json(), schema, schemaOf, path);
      for (const { name } of get.parameters?.filter((one) => one.in === "query") ?? [])
        expect(
          `${name} ${(await (await app.request(`${url}?${name}=x`, { headers })).json()).detail}`,
        ).not.toContain("another name");
    }
    const drained = await app.request("/drain", { method: "POST", headers });
    mismatches(await drained.json(), { $ref: "#/components/schemas/Report" }, schemaOf, "/drain");
  });
});

/** Expects a value to fit a schema: what must be there is there, and nothing that the schema does not tell of. */
function mismatches(value: unknown, given: Schema, schemaOf: (schema: Schema) => Schema, at: string): void {
  const schema = schemaOf(given);
  if (schema.anyOf) {
    const isNull = schema.anyOf.some(({ type }) => type === "null");
    if (value === null) expect(isNull, at).toBe(true);
    else mismatches(value, schema.anyOf[0] as Schema, schemaOf, at);
    return;
  }
  const kind = Array.isArray(value) ? "array" : value === null ? "null" : typeof value;
  const types = [schema.type].flat().map((type) => (type === "integer" ? "number" : type));
  expect(types, at).toContain(kind);
  if (Array.isArray(value))
    for (const one of value) mismatches(one, schema.items as Schema, schemaOf, `${at}[]`);
  if (kind !== "object" || !schema.properties) return;
  expect(Object.keys(value as object), at).toEqual(expect.arrayContaining(schema.required ?? []));
  for (const [name, one] of Object.entries(value as object)) {
    const known = schema.properties[name];
    if (name === "stack") continue;
    expect(known, `${at}.${name}`).toBeDefined();
    mismatches(one, known as Schema, schemaOf, `${at}.${name}`);
  }
}
