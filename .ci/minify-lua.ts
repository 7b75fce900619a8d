import { createRequire } from "node:module";

// It has no types and no named exports.
const { minify } = createRequire(import.meta.url)("luamin") as { minify(lua: string): string };

/**
 * The module again, each script in it minified: a Worker loads them at each cold start, and they are a fifth of its
 * bytes. `test/unit/minified-scripts.test.ts` holds the result to the very instructions of the source, for the minifier
 * has a fault: it takes the parentheses off `return (f())`, which then returns all that f does.
 *
 * @param scripts what the module exports: Lua, perhaps below a line of flags for the server (`#!lua flags=…`)
 */
export function minifiedModule(scripts: Readonly<Record<string, string>>): string {
  const bodies: string[] = [];
  const lines = Object.entries(scripts).map(([name, script]) => {
    const [, flags = "", body = ""] = /^(#!lua[^\n]*\n)?([\s\S]*)$/.exec(script) ?? [];
    if (!bodies.includes(body)) bodies.push(body);
    const lua = `script${bodies.indexOf(body)}`;
    // A bundler may leave out a call that is said to be pure, and never a sum of texts.
    const whole = flags ? `/* @__PURE__ */ ${JSON.stringify(flags)}.concat(${lua})` : lua;
    return `export const ${name} = ${whole};\n`;
  });
  const constants = bodies.map((body, at) => `const script${at} = ${JSON.stringify(minify(body))};\n`);
  return constants.join("") + lines.join("");
}
