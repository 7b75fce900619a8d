import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const root = new URL("../../", import.meta.url).pathname;

export interface ExampleProject {
  readonly folder: string;
  remove(): Promise<void>;
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/**
 * An example as a user has it: copied whole into a project of its own, with the built package in `node_modules`, and of what
 * its package.json names all that this repository has installed.
 */
export async function copyExample(name: string): Promise<ExampleProject> {
  const folder = await mkdtemp(join(tmpdir(), `spillway-${name}-`));
  await cp(join(root, "examples", name), folder, { recursive: true });
  const path = join(folder, "package.json");
  const given = await readFile(path, "utf8").catch(() => undefined);
  const plain = JSON.stringify({ type: "module", dependencies: { spillway: "*" } });
  if (given === undefined) await writeFile(path, plain);
  const { dependencies, devDependencies }: Manifest = JSON.parse(given ?? plain);
  for (const installed of Object.keys({ ...dependencies, ...devDependencies })) {
    const link = join(folder, "node_modules", installed);
    await mkdir(dirname(link), { recursive: true });
    await symlink(installed === "spillway" ? root : join(root, "node_modules", installed), link);
  }
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}
