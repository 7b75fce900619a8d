import { join } from "node:path";
import ts from "typescript";

/** An entry of the package: the name that is imported, and the built file with its types. */
export interface Entry {
  readonly name: string;
  readonly types: string;
}

const printer = ts.createPrinter({ removeComments: true, newLine: ts.NewLineKind.LineFeed });

/**
 * What users can see of the package, as Markdown: of each entry its names, and each declaration once, without comments,
 * where it is first met; those too that have no public name but that a public one is made of. Reads the built types.
 */
export function apiReport(root: string, entries: readonly Entry[]): string {
  const files = entries.map(({ types }) => join(root, types));
  const program = ts.createProgram(files, {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    skipLibCheck: true,
    types: [],
  });
  const checker = program.getTypeChecker();
  const seen = new Set<ts.Node>();

  const section = ({ name, types }: Entry): string => {
    const file = program.getSourceFile(join(root, types));
    const module = file && checker.getSymbolAtLocation(file);
    if (!module) throw new Error(`${types} is no module: build the package first.`);
    const exported = checker.getExportsOfModule(module).sort((a, b) => (a.name < b.name ? -1 : 1));
    const shown: ts.Node[] = [];
    for (const symbol of exported) collect(symbol, shown);
    const names = exported.map((symbol) => `\`${symbol.name}\``).join(", ");
    const code = shown.map((node) => printer.printNode(ts.EmitHint.Unspecified, node, node.getSourceFile()));
    const block = code.length === 0 ? "" : `\n\`\`\`ts\n${code.join("\n\n")}\n\`\`\`\n`;
    return `## ${name}\n\n${names}\n${block}`;
  };

  /** Adds a name's declarations, and after them those that they are made of. */
  const collect = (symbol: ts.Symbol, shown: ts.Node[]): void => {
    const real = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    for (const declaration of real.declarations ?? []) {
      const statement = statementOf(declaration);
      if (!statement || seen.has(statement) || !isOurs(root, statement)) continue;
      seen.add(statement);
      shown.push(statement);
      visit(statement, shown);
    }
  };
  const visit = (node: ts.Node, shown: ts.Node[]): void => {
    if (ts.isIdentifier(node)) {
      const symbol = checker.getSymbolAtLocation(node);
      if (symbol) collect(symbol, shown);
    }
    ts.forEachChild(node, (child) => visit(child, shown));
  };
  return `${[heading, ...entries.map(section)].join("\n")}`;
}

const heading = `# What the package shows

Made by \`npm run api\` from the built types; do not edit. \`.ci/run\` fails where this file is not what the sources say, so
that no change of the public surface goes unnoticed.
`;

/** The statement at the top of its file that declares it. */
function statementOf(node: ts.Node): ts.Node | null {
  for (let at: ts.Node = node; at.parent; at = at.parent) {
    if (ts.isSourceFile(at.parent))
      return ts.isExportDeclaration(at) || ts.isImportDeclaration(at) ? null : at;
  }
  return null;
}

function isOurs(root: string, node: ts.Node): boolean {
  return node.getSourceFile().fileName.startsWith(join(root, "dist/"));
}
