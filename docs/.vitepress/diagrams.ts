import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { MarkdownRenderer } from "vitepress";
import { openChromium } from "../../test/support/chromium.ts";

/**
 * Diagrams stand in the pages as Mermaid, which GitHub draws. For the site they are drawn once, when it is built, in light
 * and in dark: a page brings pictures of a few kilobytes in place of the program that draws them.
 */
const docs = join(import.meta.dirname, "..");
const folder = join(docs, "public/diagrams");
const fence = /^```mermaid\n([\s\S]*?)^```$/gm;

const look = { fontFamily: "Arial, Helvetica, Liberation Sans, sans-serif", fontSize: "15px" };
const themes = {
  light: {
    ...look,
    darkMode: false,
    useGradient: false,
    dropShadow: "none",
    background: "#ffffff",
    primaryColor: "#e6f1f5",
    primaryTextColor: "#172026",
    primaryBorderColor: "#0a6685",
    secondaryColor: "#eef1f3",
    tertiaryColor: "#f6f7f8",
    lineColor: "#55636d",
    textColor: "#172026",
    clusterBkg: "#f6f7f8",
    clusterBorder: "#d9dfe3",
    edgeLabelBackground: "#ffffff",
    noteBkgColor: "#fdf1d8",
    noteBorderColor: "#b98a3a",
    noteTextColor: "#172026",
  },
  dark: {
    ...look,
    darkMode: true,
    useGradient: false,
    dropShadow: "none",
    background: "#12181c",
    primaryColor: "#15323e",
    primaryTextColor: "#e6ecef",
    primaryBorderColor: "#5fc4e4",
    secondaryColor: "#1f272c",
    tertiaryColor: "#161c20",
    lineColor: "#9dabb5",
    textColor: "#e6ecef",
    clusterBkg: "#161c20",
    clusterBorder: "#3a464d",
    edgeLabelBackground: "#12181c",
    noteBkgColor: "#33270f",
    noteBorderColor: "#f2bf62",
    noteTextColor: "#e6ecef",
    labelColor: "#e6ecef",
    actorTextColor: "#e6ecef",
    signalTextColor: "#e6ecef",
    labelTextColor: "#e6ecef",
    loopTextColor: "#e6ecef",
    transitionLabelColor: "#e6ecef",
    stateLabelColor: "#e6ecef",
  },
};
type Theme = keyof typeof themes;
const themeNames = Object.keys(themes) as Theme[];

/** Names a diagram by what it shows and how it looks, so that a changed one is drawn anew. */
function nameOf(code: string): string {
  return createHash("sha256")
    .update(JSON.stringify([code.trim(), themes]))
    .digest("hex")
    .slice(0, 16);
}

function pathOf(code: string, theme: Theme): string {
  return join(folder, `${nameOf(code)}-${theme}.svg`);
}

/** Draws the diagrams of these Markdown files, from the project's root, that are not drawn yet. */
export async function drawDiagrams(files: readonly string[]): Promise<void> {
  const codes = files.flatMap((file) =>
    [...readFileSync(file, "utf8").matchAll(fence)].map(([, code = ""]) => code),
  );
  const missing = codes.filter((code) => themeNames.some((theme) => !existsSync(pathOf(code, theme))));
  if (missing.length === 0) return;
  mkdirSync(folder, { recursive: true });
  const browser = await openChromium();
  try {
    const page = await browser.newPage();
    await page.setContent("<body></body>");
    await page.addScriptTag({ path: createRequire(import.meta.url).resolve("@mermaid-js/tiny") });
    for (const code of missing) {
      for (const theme of themeNames) {
        const variables = themes[theme];
        const svg = await page.evaluate(drawInPage, { code, name: `d${nameOf(code)}`, variables });
        writeFileSync(pathOf(code, theme), svg);
      }
    }
  } finally {
    await browser.close();
  }
}

/** Runs in the browser: the diagram as a picture that knows its own size. */
async function drawInPage(asked: { code: string; name: string; variables: typeof look }): Promise<string> {
  const { mermaid } = globalThis as unknown as {
    mermaid: {
      initialize(options: object): void;
      render(name: string, code: string): Promise<{ svg: string }>;
    };
  };
  const { fontFamily } = asked.variables;
  const fonts = { actorFontFamily: fontFamily, noteFontFamily: fontFamily, messageFontFamily: fontFamily };
  mermaid.initialize({
    startOnLoad: false,
    securityLevel: "strict",
    theme: "base",
    look: "classic",
    themeVariables: asked.variables,
    htmlLabels: false,
    flowchart: { htmlLabels: false, curve: "basis", padding: 12 },
    sequence: { mirrorActors: false, noteMargin: 12, ...fonts },
    themeCSS: ".edgeLabel .background, .edgeLabel rect { opacity: 1 !important }",
  });
  const { svg } = await mermaid.render(asked.name, asked.code);
  const drawn = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
  const [, , width = "0", height = "0"] = (drawn.getAttribute("viewBox") ?? "").split(/\s+/);
  drawn.setAttribute("width", String(Math.ceil(Number(width))));
  drawn.setAttribute("height", String(Math.ceil(Number(height))));
  drawn.removeAttribute("style");
  return new XMLSerializer().serializeToString(drawn);
}

/** Puts the pictures in the place of the Mermaid that they were drawn from. */
export function diagramPictures(md: MarkdownRenderer): void {
  const others = md.renderer.rules.fence;
  md.renderer.rules.fence = (tokens, at, options, env, self) => {
    const { info = "", content = "" } = tokens[at] ?? {};
    if (info.trim() !== "mermaid" || !existsSync(pathOf(content, "light")))
      return others?.(tokens, at, options, env, self) ?? "";
    const [, title = "A diagram"] = /^\s*accTitle: *(.+)$/m.exec(content) ?? [];
    const [, description = title] = /^\s*accDescr: *(.+)$/m.exec(content) ?? [];
    const pictures = themeNames.map((theme) => {
      const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(sizes(content, theme)) ?? [];
      return `<img class="in-${theme}" src="/diagrams/${nameOf(content)}-${theme}.svg" width="${width}" height="${height}" alt="${md.utils.escapeHtml(description)}" loading="lazy">`;
    });
    return `<div class="diagram" role="group" tabindex="0" aria-label="${md.utils.escapeHtml(title)}">${pictures.join("")}</div>\n`;
  };
}

function sizes(code: string, theme: Theme): string {
  const svg = readFileSync(pathOf(code, theme), "utf8");
  const [, width] = /<svg[^>]*? width="(\d+)"/.exec(svg) ?? [];
  const [, height] = /<svg[^>]*? height="(\d+)"/.exec(svg) ?? [];
  return `width="${width}" height="${height}"`;
}

/** The Markdown files that the site shows, by their paths. */
export function siteSources(): string[] {
  const found = globSync("**/*.md", {
    cwd: docs,
    exclude: ["**/node_modules/**", "reference/**", "api-report.md"],
  });
  return found.map((file) => join(docs, file));
}
