import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = new URL("../../", import.meta.url).pathname;

export interface ExampleProject {
  readonly folder: string;
  remove(): Promise<void>;
}

/** An example as a user has it: copied into a project of its own, with the built package in `node_modules`. */
export async function copyExample(platform: "bun" | "deno" | "netlify" | "vercel"): Promise<ExampleProject> {
  const folder = await mkdtemp(join(tmpdir(), `spillway-${platform}-`));
  await cp(join(root, "examples", platform), folder, { recursive: true });
  await mkdir(join(folder, "node_modules"));
  await symlink(root, join(folder, "node_modules", "spillway"));
  await writeFile(
    join(folder, "package.json"),
    JSON.stringify({ type: "module", dependencies: { spillway: "*" } }),
  );
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}
