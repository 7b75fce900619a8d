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

  it("holds its license, its change log and what to do about a weakness, and no figures of the benchmarks", () => {
    expect(shipped).toEqual(expect.arrayContaining(["README.md", "LICENSE", "CHANGELOG.md", "SECURITY.md"]));
    expect(shipped.filter((path) => /^(bench|docs)\//.test(path) && !path.endsWith(".md"))).toEqual([]);
  });

  it("holds the pages, and nothing of what builds the site", () => {
    const docs = shipped.filter((path) => path.startsWith("docs/"));
    expect(docs).toContain("docs/faq.md");
    expect(docs.filter((path) => /^docs\/(\.|node_modules|project|public|reference)/.test(path))).toEqual([]);
  });

  it("holds no map that points nowhere, and no comment that points to a map that is not there", () => {
    const code = shipped.filter((path) => /^dist\/.*\.(js|d\.ts)$/.test(path));
    const named = code.flatMap((path) => {
      const map = /\/\/# sourceMappingURL=(\S+)\s*$/.exec(read(path))?.[1];
      return map === undefined ? [] : [join("dist", map)];
    });
    const maps = shipped.filter((path) => path.endsWith(".map"));
    expect(maps.length).toBeGreaterThan(20);
    expect(named.sort()).toEqual(maps.sort());
    for (const path of maps) {
      const { sources, sourcesContent } = JSON.parse(read(path));
      // The sources are not shipped beside them: they are within.
      expect(sourcesContent?.filter((text: unknown) => typeof text === "string").length, path).toBe(
        sources.length,
      );
    }
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

  it("holds no example that reaches for what is not in it", () => {
    const sources = shipped.filter((path) => /^examples\/.+\.m?ts$/.test(path));
    const { exports } = JSON.parse(read("package.json"));
    const names = Object.keys(exports).map((name) => name.replace(/^\./, "spillway"));
    expect(sources.length).toBeGreaterThan(0);
    for (const path of sources) {
      for (const [, specifier = ""] of read(path).matchAll(/from "([^"]+)"/g)) {
        if (specifier.startsWith("node:")) continue;
        const wanted = specifier.startsWith(".") ? shipped : [...names, ...namedBy(path)];
        const found = specifier.startsWith(".") ? join(path, "..", specifier) : specifier;
        expect(wanted, `${path} imports ${specifier}`).toSatisfy((all: string[]) =>
          all.some(
            (name) => found === name || (!found.startsWith("spillway") && found.startsWith(`${name}/`)),
          ),
        );
      }
    }
  });

  /** What the example's own package.json brings. */
  function namedBy(path: string): string[] {
    const [, example = ""] = path.split("/");
    const manifest = `examples/${example}/package.json`;
    if (!shipped.includes(manifest)) return [];
    const { dependencies, devDependencies } = JSON.parse(read(manifest));
    return Object.keys({ ...dependencies, ...devDependencies }).filter((name) => name !== "spillway");
  }

  it("holds examples whose variables are all named where the guide says how to deploy them", () => {
    const sections = read("docs/edge.md").split(/^## /m);
    for (const path of shipped.filter((path) => /^examples\/.+\.m?ts$/.test(path))) {
      const [, platform = ""] = path.split("/");
      const readme = `examples/${platform}/README.md`;
      const guide = shipped.includes(readme)
        ? read(readme)
        : sections.find((section) => section.includes(`examples/${platform}/`));
      for (const [, name = ""] of read(path).matchAll(/environment\("(\w+)"\)/g)) {
        expect(guide, `${path} wants ${name}`).toContain(name);
      }
    }
  });
});

describe("a release", () => {
  const { version, repository, homepage, bugs } = JSON.parse(read("package.json"));

  it("is told of in the change log", () => {
    expect(read("CHANGELOG.md")).toMatch(new RegExp(`^## ${version.replaceAll(".", "\\.")}$`, "m"));
  });

  it("names one repository, from which npm knows it to be built", () => {
    const url = /^git\+(.+)\.git$/.exec(repository.url)?.[1];
    expect([homepage, bugs.url]).toEqual([`${url}#readme`, `${url}/issues`]);
  });

  it.each(globSync(".github/workflows/*.yml", { cwd: root }))(
    "%s uses actions by their commits only",
    (path) => {
      const used = [...read(path).matchAll(/uses: (\S+)/g)].map(([, action]) => action);
      expect(used.filter((action) => !/@[0-9a-f]{40}$/.test(action ?? ""))).toEqual([]);
    },
  );
});
