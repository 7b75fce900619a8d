import { describe } from "vitest";
import { endlessScripts } from "../conformance/endless-scripts.ts";

describe("scripts on the embedded store", () => {
  endlessScripts([
    ["a loop", "while true do end"],
    ["a loop in a coroutine", "coroutine.wrap(function() while true do end end)()"],
    ["a loop in a handler", "local function f() while true do end end xpcall(f, f)"],
    ["recursion", "local function f() f() end while true do pcall(f) end"],
  ]);
});
