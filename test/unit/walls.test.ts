import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { inPage } from "../../.ci/bundle-page.ts";
import { builtIn } from "../../tsdown.config.ts";

const root = new URL("../../", import.meta.url).pathname;
const sources = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => /\.tsx?$/.test(path))
    .map((path) => join(folder, path));
const specifiers = (path: string): string[] =>
  [...readFileSync(join(root, path), "utf8").matchAll(/(?<!["-])(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(
    (match) => match[1] as string,
  );

describe("the walls of the house", () => {
  it("let nothing into src but src: no package, no node:, no adapter", () => {
    for (const path of sources("src")) {
      for (const specifier of specifiers(path).filter((name) => !name.startsWith("spillway"))) {
        expect(`${path} imports ${specifier}`).toMatch(/imports \.\.?\//);
        expect(join(path, "..", specifier)).toMatch(/^src\//);
      }
    }
  });

  it("let adapters import only what package.json declares, or the build takes in", () => {
    const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const declared = [
      ...Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }),
      ...builtIn,
      ...inPage,
    ];
    for (const path of [...sources("adapters"), ...sources("cli")]) {
      for (const specifier of specifiers(path).filter((name) => !/^(\.|node:|spillway)/.test(name))) {
        const owner = specifier.startsWith("@")
          ? specifier.split("/").slice(0, 2).join("/")
          : specifier.split("/")[0];
        expect(declared, `${path} imports ${specifier}`).toContain(owner);
      }
    }
  });

  /** Which adapters may know which others. `http` speaks for every host; nothing but a host or a continuation knows a platform. */
  const adaptersThatMeet = new Set([
    "continue/qstash → http",
    "continue/signed → http",
    "hosts/cloudflare → http",
    "hosts/fetch → http",
    "hosts/lambda → http",
    "hosts/node → http",
    "local → http",
    "local → redis",
    "testing → local",
    "ui → http",
  ]);

  it("let an adapter import another only where that is declared, and declare no more than is so", () => {
    const adapterOf = (path: string): string =>
      /^adapters\/((?:hosts\/|continue\/)?[^/]+)\//.exec(path)?.[1] ?? "";
    const meetings = sources("adapters").flatMap((path) =>
      specifiers(path)
        .filter((name) => name.startsWith("."))
        .map((name) => [adapterOf(path), adapterOf(join(path, "..", name))] as const)
        .filter(([from, to]) => to !== "" && from !== to)
        .map(([from, to]) => `${from} → ${to}`),
    );
    expect(new Set(meetings)).toEqual(adaptersThatMeet);
  });

  it("keep clocks, randomness, consoles and environments out of src, but for the places that name them", () => {
    const banned = /\b(Date\.now|Math\.random|process\.|console\.)/;
    for (const path of sources("src")) {
      const code = readFileSync(join(root, path), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
      expect(banned.test(code), path).toBe(false);
    }
  });
});
