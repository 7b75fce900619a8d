import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fstatSync, type Stats, statSync, watch } from "node:fs";
import { dirname, join, sep } from "node:path";
import type { Lifetime } from "../lifetime.ts";

/** Editors write a file in several steps: so long after the first one it is read, ms. */
const settledMs = 100;
/** A process that hears nothing has so long to end: more than it takes by itself, ms. */
const killedMs = 12_000;
const ignored = /^(node_modules|\..*|dist|coverage)$/;

export interface ReloadedOptions {
  /** Arguments of the command line that the process runs. */
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A file: when something in its folder changes, the process is another. */
  readonly file: string;
  readonly onReload: () => void;
}

/**
 * Runs the command line in a process of its own, and another one whenever a file beside `file` has changed: so what a handler
 * imports is new too, and what it left behind is gone. A process that is told to end settles and releases first.
 */
export async function runReloaded(options: ReloadedOptions, lifetime: Lifetime): Promise<void> {
  const { signal } = lifetime;
  const watcher = watch(dirname(options.file), { recursive: true, signal });
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wake: (() => void) | undefined;
  const isOutput = outputOf(dirname(options.file));
  watcher.on("change", (_, given) => {
    const name = String(given ?? "");
    if (name.split(sep).some((part) => ignored.test(part)) || isOutput(name)) return;
    clearTimeout(timer);
    timer = setTimeout(() => wake?.(), settledMs);
  });
  watcher.on("error", () => undefined);
  signal.addEventListener("abort", () => wake?.());
  lifetime.atEnd(async () => {
    clearTimeout(timer);
    watcher.close();
  });
  while (!signal.aborted) {
    const changed = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const child = start(options);
    await changed;
    await end(child);
    if (!signal.aborted) options.onReload();
  }
}

/** Whether a file of the folder is what we print into: each reload, which prints, would be the cause of another. */
function outputOf(folder: string): (name: string) => boolean {
  const idOf = ({ dev, ino }: Stats): string => `${dev}:${ino}`;
  const outputs = [1, 2].flatMap((descriptor) => {
    const stats = fstatSync(descriptor);
    return stats.isFile() ? [idOf(stats)] : [];
  });
  return (name) => {
    const stats = outputs.length > 0 && statSync(join(folder, name), { throwIfNoEntry: false });
    return stats ? outputs.includes(idOf(stats)) : false;
  };
}

function start({ args, environment }: ReloadedOptions): ChildProcess {
  // The program that runs now, from the sources or built.
  const child = spawn(process.execPath, [process.argv[1] ?? "", ...args], {
    env: environment as NodeJS.ProcessEnv,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  // A handler in an endless loop hears nothing.
  const kill = (): unknown => child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.off("exit", kill));
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), killedMs);
  await ended;
  clearTimeout(timer);
}
