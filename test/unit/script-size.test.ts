import { expect, it } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import { ListFromLeft } from "../../src/broker/from-left.ts";
import { turnScript } from "../../src/broker/scripts/turn/index.ts";
import { turnFullScript } from "../../src/broker/scripts/turn-full/index.ts";
import { turnOrderScript } from "../../src/broker/scripts/turn-order/index.ts";

/** Lua allows a script 200 locals at once, and a list that is consumed from its left end puts some before all others. */
it.each([
  ["the turn", turnScript],
  ["the turn with effects", turnFullScript],
  ["the turn for orders", turnOrderScript],
])("%s is a script that Lua compiles, from either end of the list", async (_, source) => {
  const script = { source, sha: "" };
  for (const one of [script, new ListFromLeft("q").script(script, ["q"])]) {
    await expect(memory().command(["EVAL", one.source, 1, "q"])).rejects.toThrow(
      /SPILLWAY cannot read argument/,
    );
  }
});
