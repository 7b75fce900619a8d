/** A table of Markdown. */
export function table([titles = [], ...lines]: readonly (readonly string[])[]): string {
  return [titles, titles.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** A number without a fraction, its thousands apart. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
