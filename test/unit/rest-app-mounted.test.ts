import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { describe, expect, it, onTestFinished } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import { createRestApp } from "../../adapters/local/rest-app.ts";

const headers = { authorization: "Bearer t0ken" };
const restApp = () => createRestApp({ backend: memory(), token: "t0ken" });

/** How an app may be given another's paths. Add a row for what has been met. */
const outers: [string, string, () => Hono][] = [
  ["by itself", "", restApp],
  ["by route", "/redis", () => new Hono().route("/redis", restApp())],
  ["by route, two levels down", "/a/b", () => new Hono().route("/a", new Hono().route("/b", restApp()))],
  ["by route, with a parameter", "/redis/one%20two", () => new Hono().route("/redis/:name", restApp())],
  ["by basePath", "/redis", () => new Hono().basePath("/redis").route("/", restApp())],
  ["by mount", "/redis", () => new Hono().mount("/redis", restApp().fetch)],
];

async function listening(outer: Hono): Promise<string> {
  const server = await new Promise<ReturnType<typeof serve>>((resolve) => {
    const made = serve({ fetch: outer.fetch, port: 0, hostname: "127.0.0.1" }, () => resolve(made));
  });
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

describe.each(outers)("the REST app, served %s,", (_name, prefix, outer) => {
  it.each([
    ["as fetch calls it", async (app: Hono) => ["http://host", app.request.bind(app)] as const],
    ["over HTTP", async (app: Hono) => [await listening(app), fetch] as const],
  ])("takes a command as a path and as a body, %s", async (_how, open) => {
    const [origin, send] = await open(outer());
    const ask = async (path: string, body?: string) => {
      const init = { headers, ...(body === undefined ? {} : { method: "POST", body }) };
      return (await send(`${origin}${prefix}${path}`, init)).json();
    };
    expect(await ask("/set/key/a%2Fb%2Ec")).toEqual({ result: "OK" });
    expect(await ask("/get/key")).toEqual({ result: "a/b.c" });
    expect(await ask("/set/key", "a body")).toEqual({ result: "OK" });
    expect(await ask("", '["GET","key"]')).toEqual({ result: "a body" });
    expect(await ask("/pipeline", '[["GET","key"]]')).toEqual([{ result: "a body" }]);
  });
});
