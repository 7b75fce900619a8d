import { readFile } from "node:fs/promises";
import { build } from "esbuild";

/** The page's files, as a browser gets them. */
export interface PageFiles {
  readonly html: string;
  readonly js: string;
  readonly css: string;
}

/** Packages that the page takes in: nobody installs them, and their licenses go along. */
export const inPage: readonly string[] = ["preact", "uplot"];

const page = new URL("../adapters/ui/page/", import.meta.url);

/** Bundles the dashboard's page, small. Throws where it takes in a package that `inPage` does not name. */
export async function bundlePage(): Promise<PageFiles> {
  const { outputFiles, metafile } = await build({
    entryPoints: ["main.tsx", "page.css"].map((name) => new URL(name, page).pathname),
    outdir: "page",
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    // Its own compiler options: they are not this process's.
    tsconfig: new URL("tsconfig.json", page).pathname,
  });
  const taken = Object.keys(metafile.inputs).flatMap((path) => /node_modules\/([^/]+)/.exec(path)?.[1] ?? []);
  const unknown = taken.find((name) => !inPage.includes(name));
  if (unknown !== undefined) throw new Error(`The page takes in ${unknown}, which inPage does not name.`);
  const file = (name: string): string => {
    const found = outputFiles.find(({ path }) => path.endsWith(name));
    if (!found) throw new Error(`The page was bundled without ${name}.`);
    return found.text;
  };
  return { html: await readFile(new URL("page.html", page), "utf8"), js: file(".js"), css: file(".css") };
}
