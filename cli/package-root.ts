import { readFileSync } from "node:fs";

/** A file of the package: this module lies one folder below its root, in the sources and when built. */
export function fromPackage(path: string): URL {
  return new URL(`../${path}`, import.meta.url);
}

export function readVersion(): string {
  return JSON.parse(readFileSync(fromPackage("package.json"), "utf8")).version;
}
