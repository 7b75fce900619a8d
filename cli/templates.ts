import { readFileSync } from "node:fs";
import { fromPackage } from "./package-root.ts";

/** A drain to begin with. Its files are in `cli/templates`, where they are type-checked as all sources are. */
export interface Template {
  readonly name: "node" | "lambda" | "worker" | "vercel";
  readonly description: string;
  /** Copied as they are, but for the list's name. */
  readonly files: readonly string[];
  /** Packages of types that editors are to read; without it there is no `tsconfig.json`. */
  readonly types?: readonly string[];
  readonly scripts: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  /** What to type next, a line each. */
  readonly next: readonly string[];
}

const listOfTemplates = '"emails"';
const dev = "spillway dev LIST --handler ./handler.ts";
const install = "npm install";
const nodeTypes = { "@types/node": "^24.0.0" };
// Of one major version, and fetched when it is used: it is larger than all the rest.
const vercel = "npx vercel@59";

/** Add yours. */
export const templates: readonly Template[] = [
  {
    name: "node",
    description: "a server on a box, with a schedule",
    files: ["handler.ts", "server.ts"],
    types: ["node"],
    scripts: { dev, start: "node server.ts" },
    devDependencies: { ...nodeTypes },
    next: [
      install,
      "npm run dev",
      "UPSTASH_REDIS_REST_URL=… UPSTASH_REDIS_REST_TOKEN=… DRAIN_TOKEN=… npm start",
    ],
  },
  {
    name: "lambda",
    description: "an AWS Lambda function, by AWS SAM",
    files: ["handler.ts", "drain.ts", "template.yaml"],
    types: ["node"],
    scripts: { dev, deploy: "sam build && sam deploy --guided" },
    devDependencies: { ...nodeTypes, esbuild: "^0.28.0" },
    next: [
      install,
      // A file of one's own: so no secret is on a command line or in a history, and no version of the program fetches the URL.
      "for name in redis-url redis-token; do printf '%s: ' $name; read -rs value; (umask 077; printf %s \"$value\" > $name); " +
        "aws ssm put-parameter --type SecureString --name /spillway/$name --value file://$name; rm $name; done",
      "npm run deploy",
    ],
  },
  {
    name: "worker",
    description: "a Cloudflare Worker, that goes on by alarms",
    files: ["handler.ts", "worker.ts", "wrangler.jsonc"],
    types: [],
    scripts: { dev, deploy: "wrangler deploy" },
    devDependencies: { wrangler: "^4.0.0" },
    next: [
      install,
      "npx wrangler secret put UPSTASH_REDIS_REST_URL",
      "npx wrangler secret put UPSTASH_REDIS_REST_TOKEN",
      "npm run deploy",
    ],
  },
  {
    name: "vercel",
    description: "a Vercel Function, called by a schedule",
    files: ["api/drain.ts", "vercel.json"],
    scripts: { deploy: `${vercel} deploy --prod` },
    devDependencies: nodeTypes,
    next: [
      install,
      `${vercel} link`,
      `for name in UPSTASH_REDIS_REST_URL UPSTASH_REDIS_REST_TOKEN CRON_SECRET; do ${vercel} env add $name production; done`,
      "npm run deploy",
    ],
  },
];

/** The files of a project for this list, by their paths. */
export function projectOf(template: Template, list: string, version: string): ReadonlyMap<string, string> {
  const quoted = JSON.stringify(list);
  const scripts = Object.entries(template.scripts).map(([name, line]) => [
    name,
    line.replace("LIST", () => inShell(list)),
  ]);
  const manifest = {
    private: true,
    type: "module",
    // From there on Node runs TypeScript, and so a handler.
    engines: { node: ">=22.18" },
    scripts: Object.fromEntries(scripts),
    dependencies: { spillway: `^${version}` },
    devDependencies: template.devDependencies,
  };
  const compilerOptions = {
    target: "es2023",
    module: "nodenext",
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    types: template.types,
  };
  const files = template.files.map((path) => {
    const text = readFileSync(fromPackage(`cli/templates/${template.name}/${path}`), "utf8");
    return [path, text.replaceAll(listOfTemplates, () => quoted)] as const;
  });
  return new Map([
    ...files,
    ...(template.types ? [["tsconfig.json", inJson({ compilerOptions })] as const] : []),
    ["package.json", inJson(manifest)],
    [".gitignore", "node_modules\n.env*\n.dev.vars*\n.wrangler\n.vercel\n.aws-sam\n"],
  ]);
}

function inJson(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** The text as a word of a shell. */
export function inShell(text: string): string {
  return /^[\w.:/-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
