/**
 * Runs a test file as jest does with `--experimental-vm-modules`: it and all packages are modules of a context with globals
 * of its own, where `Error` and `Promise` are others than those of Node's modules. Usage: `jest-like.ts <file>`.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire, isBuiltin, stripTypeScriptTypes } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as vm from "node:vm";

const context = vm.createContext();
const ofLanguage = new Set<string>(vm.runInContext("Object.getOwnPropertyNames(globalThis)", context));
for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(globalThis))) {
  if (!ofLanguage.has(name)) Object.defineProperty(context, name, descriptor);
}
// These are Node's, as in jest-environment-node.
Object.assign(context, { global: context, Buffer, ArrayBuffer, Uint8Array });

const tests: (() => Promise<void>)[] = [];
Object.assign(context, {
  test: (_: string, body: () => Promise<void>) => tests.push(body),
  expect: (actual: unknown) => ({ toBe: (expected: unknown) => assert.equal(actual, expected) }),
});

const modules = new Map<string, vm.Module>();

function load(specifier: string, from: string): vm.Module {
  const url = isBuiltin(specifier) ? specifier : pathToFileURL(resolve(specifier, from)).href;
  const known = modules.get(url) ?? (isBuiltin(url) ? builtIn(url) : source(url));
  modules.set(url, known);
  return known;
}

function resolve(specifier: string, from: string): string {
  return specifier.startsWith(".")
    ? fileURLToPath(new URL(specifier, from))
    : createRequire(from).resolve(specifier);
}

function builtIn(name: string): vm.Module {
  const found = createRequire(import.meta.url)(name);
  const names = [...new Set(["default", ...Object.keys(found)])];
  return new vm.SyntheticModule(
    names,
    function (this: vm.SyntheticModule) {
      for (const each of names) this.setExport(each, each === "default" ? found : found[each]);
    },
    { context },
  );
}

function source(url: string): vm.Module {
  const text = readFileSync(fileURLToPath(url), "utf8");
  const code = url.endsWith(".ts") ? stripTypeScriptTypes(text) : text;
  return new vm.SourceTextModule(code, {
    context,
    identifier: url,
    initializeImportMeta: (meta) => Object.assign(meta, { url }),
    importModuleDynamically: async (specifier) => evaluated(load(specifier, url)),
  });
}

async function evaluated(module: vm.Module): Promise<vm.Module> {
  if (module.status === "unlinked")
    await module.link((specifier, { identifier }) => load(specifier, identifier));
  await module.evaluate();
  return module;
}

await evaluated(load(process.argv[2] as string, import.meta.url));
for (const test of tests) await test();
console.log(`passed: ${tests.length}`);
