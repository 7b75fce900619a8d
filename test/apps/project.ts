import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Program } from "../support/program.ts";

export const root = new URL("../../", import.meta.url).pathname;

/** How a program ended, and all it printed. */
interface Ran {
  readonly code: number | null;
  readonly output: string;
}

/** A user's project, in a folder of its own, with the package as npm would publish it. */
export interface Project {
  readonly folder: string;
  write(files: Readonly<Record<string, string>>): Promise<void>;
  /** Runs a program in the folder, with what npm knows here: its cache, its registry, its certificates. */
  run(program: string, args: readonly string[], environment?: Readonly<Record<string, string>>): Promise<Ran>;
  /** Starts a program that stays. */
  start(program: string, args: readonly string[], environment: Readonly<Record<string, string>>): Program;
  /** Puts packages of this repository beside it: what costs minutes to install, and is no part of what is tried. */
  link(names: readonly string[]): Promise<void>;
  remove(): Promise<void>;
}

/** Makes an empty folder. */
export async function emptyProject(): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), "spillway-app-"));
  const start: Project["start"] = (program, args, more) =>
    new Program(program, args, {
      folder,
      environment: { ...(process.env as Record<string, string>), ...more },
    });
  return {
    folder,
    start,
    async write(files) {
      for (const [path, text] of Object.entries(files)) {
        await mkdir(dirname(join(folder, path)), { recursive: true });
        await writeFile(join(folder, path), text);
      }
    },
    async run(program, args, environment = {}) {
      const started = start(program, args, environment);
      const { code } = await started.ended;
      return { code, output: started.output };
    },
    async link(names) {
      for (const name of names) {
        const path = join(folder, "node_modules", name);
        await mkdir(dirname(path), { recursive: true });
        await symlink(join(root, "node_modules", name), path);
      }
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Makes a project with this package.json, and installs it and the package by npm. */
export async function installedProject(manifest: Readonly<Record<string, unknown>>): Promise<Project> {
  const project = await emptyProject();
  await project.write({ "package.json": JSON.stringify({ private: true, ...manifest }) });
  const tarball = await pack(project.folder);
  await npm(project, ["install", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", tarball]);
  return project;
}

/** Packs the package as it is built into the folder, and returns the tarball's path. */
export async function pack(folder: string): Promise<string> {
  const packed = new Program("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder], {
    folder: root,
    environment: process.env as Record<string, string>,
  });
  const { code } = await packed.ended;
  if (code !== 0) throw new Error(`npm could not pack it:\n${packed.output}`);
  const [{ filename }] = JSON.parse(packed.stdout) as [{ filename: string }];
  return join(folder, filename);
}

async function npm(project: Project, args: readonly string[]): Promise<void> {
  const { code, output } = await project.run("npm", args);
  if (code !== 0) throw new Error(`npm ${args.join(" ")} failed:\n${output}`);
}
