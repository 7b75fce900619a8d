import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { pages, pageText } from "../docs/samples.ts";

const root = new URL("../../", import.meta.url).pathname;
const withoutCode = (text: string): string =>
  text.replace(/^```[\s\S]*?^```$/gm, "").replace(/`[^`\n]*`/g, "");

/** Where a page points to within the project: the path from the root, and the heading. */
function linksOf(page: string): { target: string; heading: string }[] {
  const found = withoutCode(pageText(page)).matchAll(/\]\((?![a-z]+:)([^)#\s]*)(?:#([^)\s]*))?\)/g);
  return [...found].map(([, path = "", heading = ""]) => ({
    target: path === "" ? page : normalize(join(dirname(page), path)),
    heading,
  }));
}

/** The anchors that GitHub makes of a page's headings. */
function anchorsOf(page: string): string[] {
  const headings = [...withoutCodeBlocks(pageText(page)).matchAll(/^#+ (.*)$/gm)];
  return headings.map(([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replace(/\s/g, "-"),
  );
}

function withoutCodeBlocks(text: string): string {
  return text.replace(/^```[\s\S]*?^```$/gm, "");
}

describe("the pages", () => {
  it.each(pages())("%s points to files and headings that exist", (page) => {
    const broken = linksOf(page).filter(({ target, heading }) => {
      if (!existsSync(join(root, target))) return true;
      return heading !== "" && target.endsWith(".md") && !anchorsOf(target).includes(heading);
    });
    expect(broken).toEqual([]);
  });

  it("can all be reached from the README", () => {
    const reached = new Set(["README.md"]);
    for (const page of reached) {
      for (const { target } of linksOf(page)) if (target.endsWith(".md")) reached.add(target);
    }
    expect(pages().filter((page) => !reached.has(page))).toEqual([]);
  });
});
