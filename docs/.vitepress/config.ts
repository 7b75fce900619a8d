import { defineConfig } from "vitepress";
import { diagramPictures } from "./diagrams.ts";
import { home } from "./home.ts";
import { sidebar, topBar } from "./navigation.ts";
import { projectLinks, repositoryUrl } from "./project-links.ts";

/** Where the site stands on its host: `/`, or `SITE_BASE`, such as `/spillway/` on GitHub Pages. */
const base = process.env.SITE_BASE ?? "/";

export default defineConfig({
  title: "Spillway",
  titleTemplate: ":title · Spillway",
  description: "The reliable consumer that Redis lists lack on serverless platforms.",
  lang: "en",
  base,
  srcExclude: ["api-report.md", "**/node_modules/**"],
  cleanUrls: true,
  head: [
    ["link", { rel: "icon", type: "image/svg+xml", href: `${base}logo.svg` }],
    ["meta", { name: "theme-color", content: "#0a6685" }],
  ],
  // The page is plain Markdown, to be read on GitHub too; on the site it is the home page.
  transformPageData: ({ relativePath, frontmatter }) =>
    relativePath === "index.md" ? { frontmatter: { ...frontmatter, ...home } } : undefined,
  markdown: {
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    anchor: { slugify: githubAnchor },
    config(md) {
      projectLinks(md);
      diagramPictures(md);
    },
  },
  themeConfig: {
    logo: "/logo.svg",
    nav: topBar() as never,
    sidebar: sidebar() as never,
    outline: { level: [2, 3], label: "On this page" },
    search: { provider: "local" },
    externalLinkIcon: true,
    socialLinks: [{ icon: "github", link: repositoryUrl, ariaLabel: "The repository" }],
    docFooter: { prev: "Before", next: "Next" },
  },
});

/** The anchor that GitHub makes of a heading, so that a link is right in both places. */
function githubAnchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-");
}
