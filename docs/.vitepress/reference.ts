import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Application, Converter, type ProjectReflection, TSConfigReader } from "typedoc";

/** Writes `docs/reference/`: a page for each entry of the package, from the public docstrings. */
const root = join(import.meta.dirname, "../..");
const docs = join(root, "docs");

/** The source of each entry by its name: `spillway`, `spillway/upstash`, …, as `tsconfig.json` has them. */
const { compilerOptions } = JSON.parse(readFileSync(join(root, "tsconfig.json"), "utf8"));
const entries = new Map<string, string>(
  Object.entries(compilerOptions.paths as Record<string, [string]>).map(([name, [path]]) => [
    join(root, path),
    name,
  ]),
);

const app = await Application.bootstrapWithPlugins(
  {
    entryPoints: [...entries.keys()],
    tsconfig: join(docs, "tsconfig.reference.json"),
    plugin: ["typedoc-plugin-markdown", "typedoc-vitepress-theme"],
    readme: "none",
    name: "Every export",
    excludeInternal: true,
    excludePrivate: true,
    excludeExternals: true,
    groupOrder: ["Functions", "Interfaces", "Type Aliases", "Variables", "Classes", "*"],
    disableSources: true,
    skipErrorChecking: true,
    validation: { notExported: false, invalidLink: true, invalidPath: true, rewrittenLink: true },
    treatValidationWarningsAsErrors: true,
    logLevel: "Warn",
    ...{
      out: join(docs, "reference"),
      docsRoot: docs,
      outputFileStrategy: "modules",
      entryFileName: "index",
      hidePageHeader: true,
      hideBreadcrumbs: true,
      hideGroupHeadings: false,
      parametersFormat: "table",
      interfacePropertiesFormat: "table",
      typeAliasPropertiesFormat: "table",
      enumMembersFormat: "table",
      classPropertiesFormat: "table",
      typeDeclarationFormat: "table",
      expandParameters: false,
      useCodeBlocks: true,
      // Two exports may have names that differ in their letters' size alone.
      useHTMLAnchors: true,
      anchorPrefix: "api-",
    },
  },
  [new TSConfigReader()],
);
app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => nameEntries(project));

const project = await app.convert();
if (!project) throw new Error("TypeDoc could not read the entries.");
app.validate(project);
if (app.logger.hasErrors() || app.logger.hasWarnings())
  throw new Error("The public docstrings have faults: see above.");
rmSync(join(docs, "reference"), { recursive: true, force: true });
await app.generateOutputs(project);
if (app.logger.hasErrors()) throw new Error("TypeDoc could not write the reference.");

/** Entries are called as they are imported, not by their files. */
function nameEntries(project: ProjectReflection): void {
  for (const module of project.children ?? []) {
    const file = project.getSymbolIdFromReflection(module)?.fileName ?? "";
    const name = [...entries].find(([path]) => path.endsWith(file) && file !== "")?.[1];
    if (name) module.name = name;
  }
}
