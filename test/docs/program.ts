import type { Sample } from "./samples.ts";

/** The sample as a module: its imports first, then what is given, then the rest. */
export function moduleOf({ given, code }: Sample): string {
  const imports = /^import [\s\S]*?from "[^"]+";\n/gm;
  const importsOf = (text: string): string => (text.match(imports) ?? []).join("");
  const rest = (text: string): string => text.replace(imports, "");
  return `${importsOf(given)}${importsOf(code)}${rest(given)}\n${rest(code)}\nexport {};\n`;
}
