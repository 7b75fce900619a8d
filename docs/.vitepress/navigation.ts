import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

/** An entry of the site's navigation: a page, or a group of them. */
export interface Entry {
  readonly text: string;
  readonly link?: string;
  readonly items?: readonly Entry[];
}

const docs = join(import.meta.dirname, "..");

/** The groups beside every page, in the order in which they are read. A page is named by its path in `docs/`. */
export function sidebar(): Entry[] {
  return [
    group("Quick start", [
      ["AWS Lambda", "start/lambda"],
      ["Cloudflare Workers", "start/workers"],
      ["Vercel and Next.js", "start/vercel"],
      ["Netlify", "start/netlify"],
      ["Node", "start/node"],
      ["Deno", "start/deno"],
      ["Bun", "start/bun"],
    ]),
    group("Concepts", [
      ["The life of a message", "concepts/message"],
      ["Lease and fence", "concepts/lease"],
      ["The chain", "concepts/chain"],
      ["The brake", "concepts/brake"],
    ]),
    group("Guides", [
      ["Handlers", "handlers"],
      ["Retries and dead letters", "retries"],
      ["Order", "order"],
      ["Effects", "effects"],
      ["Limits and pauses", "limits"],
      ["Wake at a push", "wake"],
      ["Many lists", "lists"],
      ["Scale out", "scale"],
      ["Cluster and shards", "shards"],
      ["Security", "security"],
      ["Telemetry", "telemetry"],
      ["Testing", "testing"],
    ]),
    group("Operate", [
      ["The page for 3 am", "operations"],
      ["Dashboard", "dashboard"],
      ["Questions and answers", "faq"],
    ]),
    group("Platforms in depth", [
      ["AWS Lambda", "aws"],
      ["Cloudflare Workers", "cloudflare"],
      ["Vercel, Netlify, Deno, Bun", "edge"],
      ["Node", "node"],
    ]),
    ...optional("Coming from elsewhere", comingFrom()),
    group("Reference", [
      ["Options, verbs, clients", "options"],
      ["HTTP", "http"],
      ["Command line", "cli"],
      ["Every export", "reference/"],
    ]),
    group("Why believe it", [
      ["Guarantees", "guarantees"],
      ["Reliability", "reliability"],
      ["Benchmarks", "benchmarks"],
      ["Architecture", "architecture"],
    ]),
    group(
      "Project",
      outsidePages().map(({ text, page }) => [text, page.replace(/\.md$/, "")] as const),
    ),
  ];
}

/** What stands at the top of every page. */
export function topBar(): Entry[] {
  return [
    { text: "Start", link: "/start/lambda" },
    { text: "Concepts", link: "/concepts/message" },
    { text: "Guides", link: "/handlers" },
    { text: "Reference", link: "/options" },
    { text: "Questions", link: "/faq" },
  ];
}

/** Pages of the project that stand outside `docs/`; the site shows copies of them. */
export function outsidePages(): { text: string; source: string; page: string }[] {
  return [
    { text: "Examples", source: "examples/README.md", page: "project/examples.md" },
    { text: "Changes", source: "CHANGELOG.md", page: "project/changes.md" },
    { text: "Threat model", source: "SECURITY.md", page: "project/threat-model.md" },
    { text: "Contributing", source: "CONTRIBUTING.md", page: "project/contributing.md" },
    { text: "Deploying", source: "infra/README.md", page: "project/deploying.md" },
    { text: "How it is measured", source: "bench/README.md", page: "project/measuring.md" },
  ].filter(({ source }) => existsSync(join(docs, "..", source)));
}

/** A page for each system that people come from, as the folder has them, the overview first. */
function comingFrom(): (readonly [string, string])[] {
  const pages = globSync("coming-from/*.md", { cwd: docs }).sort();
  const overviewFirst = [...pages].sort((a, b) => Number(isOverview(b)) - Number(isOverview(a)));
  return overviewFirst.map((page) => [
    isOverview(page) ? "Overview" : titleOf(page).replace(/^Coming from /, ""),
    page.replace(/(index)?\.md$/, ""),
  ]);
}

function isOverview(page: string): boolean {
  return basename(page) === "index.md";
}

function titleOf(page: string): string {
  const [, title = basename(page, ".md")] = /^# (.+)$/m.exec(readFileSync(join(docs, page), "utf8")) ?? [];
  return title.replaceAll("`", "");
}

function group(text: string, pages: readonly (readonly [text: string, page: string])[]): Entry {
  return { text, items: pages.map(([text, page]) => ({ text, link: `/${page}` })) };
}

function optional(text: string, pages: readonly (readonly [string, string])[]): Entry[] {
  return pages.length === 0 ? [] : [group(text, pages)];
}
