import { existsSync, readFileSync, statSync } from "node:fs";
import { join, posix } from "node:path";
import type { MarkdownRenderer } from "vitepress";
import { outsidePages } from "./navigation.ts";

const root = join(import.meta.dirname, "../..");

/** The page's own address on the site, by its path from the project's root; undefined where the site has no such page. */
function addressOf(path: string): string | undefined {
  if (path === "README.md") return "/";
  const outside = outsidePages().find(({ source }) => source === path);
  if (outside) return `/${outside.page}`;
  if (/^docs\/(?!api-report\.md).*\.md$/.test(path)) return path.slice("docs".length);
  return undefined;
}

/** Where the project's files are to be seen. */
export const repositoryUrl: string = readRepositoryUrl();

function readRepositoryUrl(): string {
  const { repository } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return repository.url.replace(/^git\+/, "").replace(/\.git$/, "");
}

/**
 * Pages link to each other, and to files of the project, by relative paths, which GitHub follows too. On the site a link
 * that leaves `docs/` leads to the copy of that page, or to the file in the repository.
 */
export function projectLinks(md: MarkdownRenderer): void {
  md.core.ruler.push("project-links", ({ tokens, env }) => {
    const page: string = env.relativePath ?? "";
    const source = outsidePages().find((outside) => outside.page === page)?.source ?? `docs/${page}`;
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const href = token.type === "link_open" ? token.attrGet("href") : null;
      if (href && !/^([a-z]+:|[#/])/.test(href)) token.attrSet("href", hrefOnSite(source, href));
    }
  });
}

function hrefOnSite(source: string, href: string): string {
  const [path = "", heading] = href.split("#");
  const target = posix.normalize(posix.join(posix.dirname(source), path)).replace(/\/$/, "");
  const anchor = heading === undefined ? "" : `#${heading}`;
  const address = addressOf(target);
  if (address !== undefined) return `${address}${anchor}`;
  const file = join(root, target);
  if (!existsSync(file)) return href;
  return `${repositoryUrl}/${statSync(file).isDirectory() ? "tree" : "blob"}/main/${target}${anchor}`;
}
