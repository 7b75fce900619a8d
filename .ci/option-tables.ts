import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

/**
 * Prints tables of options into the documentation, from the TSDoc of their interfaces: `npm run docs:options`. A table
 * stands between `<!-- options: src/options/drain-options.ts EveryDrainOption -->` and `<!-- end of options -->`.
 */
const root = join(import.meta.dirname, "..");
const marked = /(<!-- options: (\S+) (\w+) -->\n)[\s\S]*?(<!-- end of options -->)/g;

/** One option as its interface and TSDoc say it. */
export interface DocumentedOption {
  readonly name: string;
  readonly isRequired: boolean;
  /** What stands after `@default`. */
  readonly default: string | undefined;
  /** Its TSDoc, in one line. */
  readonly meaning: string;
}

/** The options of an interface, in its order. Throws where one has no TSDoc. */
export function documentedOptions(path: string, interfaceName: string): DocumentedOption[] {
  const source = ts.createSourceFile(
    path,
    readFileSync(join(root, path), "utf8"),
    ts.ScriptTarget.Latest,
    true,
  );
  const found = source.statements.find(
    (statement): statement is ts.InterfaceDeclaration =>
      ts.isInterfaceDeclaration(statement) && statement.name.text === interfaceName,
  );
  if (!found) throw new Error(`${path} declares no interface ${interfaceName}.`);
  return found.members.filter(ts.isPropertySignature).map((member) => {
    const name = member.name.getText();
    const docs = ts.getJSDocCommentsAndTags(member).find(ts.isJSDoc);
    const meaning = inOneLine(ts.getTextOfJSDocComment(docs?.comment));
    if (meaning === "") throw new Error(`${interfaceName}.${name} in ${path} has no TSDoc.`);
    const tag = docs?.tags?.find(({ tagName }) => tagName.text === "default");
    const fallback = tag && inOneLine(ts.getTextOfJSDocComment(tag.comment));
    return { name, isRequired: member.questionToken === undefined, default: fallback, meaning };
  });
}

/** The text with each of its tables made anew. */
export function withOptionTables(text: string): string {
  return text.replace(marked, (_, start: string, path: string, interfaceName: string, end: string) => {
    const rows = documentedOptions(path, interfaceName).map(
      ({ name, isRequired, default: fallback, meaning }) => {
        const standard = isRequired ? "required" : fallback === undefined ? "" : `\`${fallback}\``;
        return `| \`${name}\` | ${standard} | ${meaning.replaceAll("|", "\\|")} |`;
      },
    );
    return `${start}\n${["| option | default | meaning |", "| --- | --- | --- |", ...rows].join("\n")}\n\n${end}`;
  });
}

/** The documents that may hold tables of options, by their paths from the project's root. */
export function documents(): string[] {
  return ["README.md", ...globSync("docs/*.md", { cwd: root }).sort()];
}

export function readDocument(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

function inOneLine(text: string | undefined): string {
  return (text ?? "").replace(/\s+/g, " ").trim();
}

if (import.meta.main) {
  for (const path of documents()) writeFileSync(join(root, path), withOptionTables(readDocument(path)));
}
