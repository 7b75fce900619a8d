import { globSync, readFileSync } from "node:fs";

/** A code block of a page, with what stands in front of it for readers who are compilers. */
export interface Sample {
  /** Where it stands: `docs/limits.md:6`. */
  readonly place: string;
  readonly language: string;
  readonly code: string;
  /** Declarations that the page has shown before, or that are the reader's own: `<!-- given … -->` in front of the block. */
  readonly given: string;
  /** Why it is not run: `<!-- not run: … -->` in front of the block. */
  readonly notRun: string | undefined;
  /** The name by which `test/apps/quick-starts.test.ts` takes these steps: `<!-- tried: … -->` in front of the block. */
  readonly tried: string | undefined;
}

const root = new URL("../../", import.meta.url).pathname;

/** The pages that users read, without what is made by a program. */
export function pages(): string[] {
  const found = globSync(["*.md", "docs/**/*.md", "examples/**/*.md", "infra/*.md", "bench/*.md"], {
    cwd: root,
    // The last two are made when the site is built.
    exclude: ["docs/api-report.md", "**/node_modules/**", "docs/reference/**", "docs/project/**"],
  });
  return found.sort();
}

export function pageText(page: string): string {
  return readFileSync(`${root}${page}`, "utf8");
}

export function samplesOf(page: string): Sample[] {
  const samples: Sample[] = [];
  const text = pageText(page);
  const block = /((?:<!--[\s\S]*?-->\s*)*)^```(\w*)\n([\s\S]*?)^```$/gm;
  for (const match of text.matchAll(block)) {
    const [, comments = "", language = "", code = ""] = match;
    const line = text.slice(0, match.index + comments.length).split("\n").length;
    samples.push({
      place: `${page}:${line}`,
      language,
      code,
      given: [...comments.matchAll(/<!-- given\n([\s\S]*?)-->/g)].map(([, given]) => given).join("\n"),
      notRun: /<!-- not run: ([\s\S]*?) -->/.exec(comments)?.[1],
      tried: /<!-- tried: (\S+) -->/.exec(comments)?.[1],
    });
  }
  return samples;
}
