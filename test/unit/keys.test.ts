import { describe, expect, it } from "vitest";
import { OptionError } from "../../src/index.ts";
import { listKeys } from "../../src/redis/keys.ts";

describe("the keys of a list", () => {
  it("share the list's hash slot without renaming it", () => {
    expect(listKeys("emails")).toMatchObject({
      list: "emails",
      base: "{emails}:",
      leases: "{emails}:leases",
      delayed: "{emails}:delayed",
      attempts: "{emails}:attempts",
      dead: "{emails}:dead",
    });
  });

  it("keep a hash tag that the name has", () => {
    expect(listKeys("app:{emails}:in").leases).toBe("app:{emails}:in:leases");
  });

  it("treat an unclosed brace as part of the name, as Redis Cluster does", () => {
    expect(listKeys("a{b").leases).toBe("{a{b}:leases");
  });

  it("are bytes: a name that is not ASCII is its UTF-8", () => {
    expect(listKeys("é").list).toBe("\u00c3\u00a9");
  });

  it.each(["", "a}b", "{}x", "}"])("are refused for %j, whose slot no other key can share", (name) => {
    expect(() => listKeys(name)).toThrow(OptionError);
  });
});
