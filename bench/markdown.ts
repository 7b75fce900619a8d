import { readFile, writeFile } from "node:fs/promises";

/** A table of Markdown. */
export function table([titles = [], ...lines]: readonly (readonly string[])[]): string {
  return [titles, titles.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** A number without a fraction, its thousands apart. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** Puts texts into a page of the docs, each between the mark of its name and the next end. */
export async function writeInto(page: string, texts: Readonly<Record<string, string>>): Promise<void> {
  const file = new URL(page, new URL("../docs/", import.meta.url));
  let text = await readFile(file, "utf8");
  for (const [name, put] of Object.entries(texts)) {
    const place = new RegExp(`(<!-- ${name} -->)[^]*?(<!-- end -->)`);
    if (!place.test(text)) throw new Error(`docs/${page} has no place for ${name}.`);
    text = text.replace(place, (_all, before, after) => `${before}\n\n${put}\n\n${after}`);
  }
  await writeFile(file, text);
}
