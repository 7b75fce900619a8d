import { spawn } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { measureTimeScale } from "../support/time-scale.ts";
import { type Edit, type Mutation, mutations } from "./mutation-list.ts";
import type { Proof } from "./proof.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const copied = ["src", "adapters", "cli", "test", "package.json", "tsconfig.json"];

/** The parts that hunt, the quickest first, and how long each looks. */
const hunters = [
  ["simulation", ["--only", "simulation", "--steps", "60000"]],
  ["model", ["--only", "model", "--runs", "800"]],
  ["model of the orders", ["--only", "order-model", "--runs", "300"]],
  ["brake", ["--only", "brake"]],
  ["simulation of more worlds", ["--only", "simulation", "--steps", "150000"]],
  ["simulation by key", ["--only", "simulation", "--order", "byKey", "--steps", "150000"]],
  ["kills", ["--only", "kills", "--kills", "40"]],
] as const;

/** Longest that one hunter may take with one mutation, ms. A protocol that hangs is caught too, a slow machine is not. */
const huntMsMax = measureTimeScale()(120_000);

/**
 * Breaks the protocol on purpose, in one way in each copy of the sources, and holds the other parts of the proof against
 * it: every mutation must be caught. A hunt keeps one core busy, so there are as many copies as cores.
 */
export async function proveMutations(options: {
  seed: number;
  /** Text that stands in the names of the mutations to try, or of their hunters. */
  named: string;
  /** `k/n`: every nth of them, from the kth on. */
  share: string;
  log: (line: string) => void;
}): Promise<Proof> {
  const survivors: string[] = [];
  const caughtBy: Record<string, number> = {};
  const [first = 1, every = 1] = options.share.split("/").map(Number);
  const chosen = mutations
    .filter(({ name, by = [] }) => [name, ...by].join("\n").includes(options.named))
    .filter((_, at) => at % every === first - 1);
  if (chosen.length === 0) throw new Error(`No mutation is chosen by --share ${options.share}.`);
  const left = [...chosen];
  const huntInCopy = async (): Promise<void> => {
    const folder = await mkdtemp(join(tmpdir(), "spillway-mutations-"));
    try {
      for (const name of copied) await cp(join(root, name), join(folder, name), { recursive: true });
      await symlink(join(root, "node_modules"), join(folder, "node_modules"), "dir");
      for (let mutation = left.shift(); mutation; mutation = left.shift()) {
        const by = await hunt(folder, mutation, options.seed);
        options.log(`  ${by ? `caught by the ${by}` : "SURVIVED"}: ${mutation.name}`);
        if (by) caughtBy[by] = (caughtBy[by] ?? 0) + 1;
        else survivors.push(mutation.name);
      }
    } catch (error) {
      // The others end with what they have in hand.
      left.length = 0;
      throw error;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
  const hunts = await Promise.allSettled(Array.from({ length: availableParallelism() }, huntInCopy));
  for (const hunt of hunts) if (hunt.status === "rejected") throw hunt.reason;
  const by = Object.entries(caughtBy).map(([name, count]) => `${count} by the ${name}`);
  return {
    isHolding: survivors.length === 0,
    line: `mutations: ${chosen.length - survivors.length} of ${chosen.length} caught (${by.join(", ")})`,
    problems: survivors.map((name) => `survived: ${name}`),
  };
}

async function hunt(folder: string, mutation: Mutation, seed: number): Promise<string | undefined> {
  const restore = await apply(folder, mutation.edit);
  try {
    for (const [name, args] of hunters) {
      if (mutation.by !== undefined && !mutation.by.includes(name)) continue;
      if (!(await survives(folder, [...args, "--seed", String(seed)]))) return name;
    }
    return undefined;
  } finally {
    await restore();
  }
}

async function apply(folder: string, edit: Edit): Promise<() => Promise<void>> {
  const { path, text } = await placeOf(folder, edit);
  const mutated = text.replace(edit.find, () => edit.put);
  await writeFile(path, mutated);
  return () => writeFile(path, text);
}

/** The file that an edit changes, and what it holds. Throws where the edit's text does not stand there once. */
export async function placeOf(folder: string, { file, find }: Edit): Promise<{ path: string; text: string }> {
  const found: { path: string; text: string }[] = [];
  for (const path of await filesOf(join(folder, file))) {
    const text = await readFile(path, "utf8");
    for (let times = text.split(find).length; times > 1; times--) found.push({ path, text });
  }
  const [place] = found;
  if (place === undefined || found.length > 1) {
    throw new Error(
      `The mutation's text must stand once in ${file}; it stands there ${found.length} times: ${find}`,
    );
  }
  return place;
}

/** The file itself or, of a folder, all that is below it. */
async function filesOf(path: string): Promise<string[]> {
  if ((await stat(path)).isFile()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

function survives(folder: string, args: readonly string[]): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(folder, "test/prove/main.ts"), ...args], {
      cwd: folder,
      stdio: "ignore",
      detached: true,
    });
    const timer = setTimeout(() => process.kill(-(child.pid as number), "SIGKILL"), huntMsMax);
    child.once("error", reject);
    child.once("exit", (code) => {
      clearTimeout(timer);
      resolve(code === 0);
    });
  });
}
