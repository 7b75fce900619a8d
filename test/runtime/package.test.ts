import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";

const root = new URL("../../", import.meta.url).pathname;
const read = (path: string): string => readFileSync(join(root, path), "utf8");

describe("what npm would publish", () => {
  let shipped: string[];

  beforeAll(() => {
    const args = ["pack", "--dry-run", "--json", "--ignore-scripts"];
    const said = execFileSync("npm", args, {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    const [{ files }] = JSON.parse(said) as [{ files: { path: string }[] }];
    shipped = files.map(({ path }) => path);
  });

  it("holds whatever the guides copy out of the installed package", () => {
    const copied = ["README.md", ...globSync("docs/*.md", { cwd: root })].flatMap((guide) =>
      [...read(guide).matchAll(/node_modules\/spillway\/([\w\-./]+)/g)].map(([, path]) => path as string),
    );
    expect(copied.length).toBeGreaterThan(0);
    for (const path of copied) {
      const isFolder = path.endsWith("/.");
      const found = shipped.filter((file) => (isFolder ? file.startsWith(path.slice(0, -1)) : file === path));
      expect(found, path).not.toEqual([]);
    }
  });

  it("holds the pages, and nothing that builds the site", () => {
    const docs = shipped.filter((path) => path.startsWith("docs/"));
    expect(docs).toContain("docs/faq.md");
    expect(
      docs.filter((path) => !/^docs\/(?!node_modules|project|reference)[\w\-/]+\.md$/.test(path)),
    ).toEqual([]);
  });

  it("holds no example that reaches for what is not in it", () => {
    const sources = shipped.filter((path) => /^examples\/.+\.m?ts$/.test(path));
    const { exports } = JSON.parse(read("package.json"));
    const names = Object.keys(exports).map((name) => name.replace(/^\./, "spillway"));
    expect(sources.length).toBeGreaterThan(0);
    for (const path of sources) {
      for (const [, specifier = ""] of read(path).matchAll(/from "([^"]+)"/g)) {
        const wanted = specifier.startsWith(".") ? shipped : names;
        const found = specifier.startsWith(".") ? join(path, "..", specifier) : specifier;
        expect(wanted, `${path} imports ${specifier}`).toContain(found);
      }
    }
  });

  it("holds examples whose variables are all named where the guide says how to deploy them", () => {
    const sections = read("docs/edge.md").split(/^## /m);
    for (const path of shipped.filter((path) => /^examples\/.+\.m?ts$/.test(path))) {
      const [, platform = ""] = path.split("/");
      const guide = sections.find((section) => section.includes(`examples/${platform}/`));
      for (const [, name = ""] of read(path).matchAll(/environment\("(\w+)"\)/g)) {
        expect(guide, `${path} wants ${name}`).toContain(name);
      }
    }
  });
});
