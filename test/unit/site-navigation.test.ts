import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type Entry, outsidePages, sidebar, topBar } from "../../docs/.vitepress/navigation.ts";
import { pages } from "../docs/samples.ts";

const root = new URL("../../", import.meta.url).pathname;

/** The pages of an entry and of those below it, by their paths from the root. */
function pagesOf({ link, items = [] }: Entry): string[] {
  const own = link === undefined ? [] : [`docs${link.replace(/\/$/, "/index")}.md`];
  return [...own, ...items.flatMap(pagesOf)];
}
const navigated = [...topBar(), ...sidebar()].flatMap(pagesOf);
const made = ["docs/reference/index.md", ...outsidePages().map(({ page }) => `docs/${page}`)];

it("the site's navigation leads to every page of docs/", () => {
  const written = pages().filter((page) => page.startsWith("docs/") && page !== "docs/index.md");
  expect(written.filter((page) => !navigated.includes(page))).toEqual([]);
});

it("the site's navigation leads to pages that exist, or that the build makes", () => {
  expect(navigated.filter((page) => !existsSync(join(root, page)) && !made.includes(page))).toEqual([]);
});
