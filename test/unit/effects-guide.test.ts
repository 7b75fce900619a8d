import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { list } from "@ioredis/commands";
import { expect, it } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import { effectRule } from "../../src/handling/effect-commands.ts";
import * as spillway from "../../src/index.ts";

const guide = readFileSync(new URL("../../docs/effects.md", import.meta.url), "utf8");

it("the example of docs/effects.md does what it says", async () => {
  const [, example = ""] = /```ts\n([\s\S]+?)```/.exec(guide) ?? [];
  const redis = memory();
  await redis.command(["LPUSH", "emails", '{"to":"ann"}', '{"to":"bob","bounced":true}', '{"to":"ann"}']);
  const names = { ...spillway, upstash: () => redis };
  const body = stripTypeScriptTypes(example.replace(/^import .*\n/gm, ""));
  const AsyncFunction = (async () => undefined).constructor as FunctionConstructor;

  await new AsyncFunction(...Object.keys(names), body)(...Object.values(names));

  expect(await redis.command(["HGETALL", "{emails}:sent"])).toEqual(["ann", "2"]);
  expect(await redis.command(["LRANGE", "{emails}:bounced", 0, -1])).toEqual(['{"to":"bob","bounced":true}']);
  expect(await redis.command(["LLEN", "emails"])).toBe(0);
});

it("docs/effects.md names each of Redis' commands that an effect may be, and no other", () => {
  const [, listed = ""] = /\*\*Commands\*\* are those[^:]*:([\s\S]+?)\n- /.exec(guide) ?? [];
  const allowed = list.map((name) => name.toUpperCase()).filter((name) => effectRule(name));
  expect(listed.match(/\b[A-Z]{3,}\b/g)?.sort()).toEqual(allowed.sort());
});
