/**
 * `sam` where the AWS SAM CLI is not: `build` bundles each function as its template says, by the project's own esbuild, which is what the real
 * one does; nothing is deployed. Usage: `sam.ts build | deploy`.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { parse } from "yaml";

interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly Metadata?: {
    readonly BuildMethod: string;
    readonly BuildProperties: {
      readonly Format: string;
      readonly Target: string;
      readonly MainFields: string;
      readonly EntryPoints: readonly string[];
      readonly OutExtension: readonly string[];
      readonly External: readonly string[];
    };
  };
}

const { Resources } = parse(readFileSync("template.yaml", "utf8")) as { Resources: Record<string, Resource> };
for (const [name, { Type, Metadata }] of Object.entries(Resources)) {
  if (process.argv[2] !== "build" || Type !== "AWS::Serverless::Function") continue;
  if (Metadata?.BuildMethod !== "esbuild") throw new Error(`${name} is not built by esbuild.`);
  const { Format, Target, MainFields, EntryPoints, OutExtension, External } = Metadata.BuildProperties;
  const args = [
    ...["--bundle", "--platform=node", `--outdir=.aws-sam/build/${name}`],
    ...[`--format=${Format}`, `--target=${Target}`, `--main-fields=${MainFields}`],
    ...OutExtension.map((pair) => `--out-extension:${pair}`),
    ...External.map((pattern) => `--external:${pattern}`),
  ];
  execFileSync("node_modules/.bin/esbuild", [...args, ...EntryPoints], { stdio: "inherit" });
}
