import { describe, expect, it } from "vitest";
import { ListFromLeft } from "../../src/broker/from-left.ts";
import { turnOrderScriptWhenFull } from "../../src/broker/scripts/turn-order/index.ts";

describe("a script of a list that is consumed from its left", () => {
  it("keeps its flags in the first line, where a full Redis looks for them", () => {
    const script = { source: turnOrderScriptWhenFull, sha: "" };
    const { source } = new ListFromLeft("mail").script(script, ["mail"]);
    expect(source.split("\n", 1)).toEqual(["#!lua flags=allow-oom"]);
  });

  it("is left as it is where its first key is another", () => {
    const script = { source: "return 1", sha: "" };
    expect(new ListFromLeft("mail").script(script, ["{mail}:dead"])).toBe(script);
  });
});
