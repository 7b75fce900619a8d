import { type ChildProcess, spawn } from "node:child_process";

/** How a program ended: by its own code, or by a signal. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A program in a process of its own, with what it prints. */
export class Program {
  /** Resolves when it has ended and all it printed has been read. */
  readonly ended: Promise<Exit>;
  /** Both streams, as they came. */
  output = "";
  readonly #child: ChildProcess;
  readonly #listeners = new Set<() => void>();

  /** It gets the given environment, and of ours only the PATH. */
  constructor(
    command: string,
    args: readonly string[],
    { folder, environment }: { folder: string; environment: Readonly<Record<string, string>> },
  ) {
    const child = spawn(command, args, {
      cwd: folder,
      env: { PATH: process.env.PATH ?? "", HOME: folder, NO_COLOR: "1", ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
        this.#tell();
      });
    }
    this.ended = new Promise((resolve) => {
      child.once("close", (code, signal) => resolve({ code, signal }));
      child.once("error", (error) => {
        this.output += String(error);
        resolve({ code: null, signal: null });
      });
    });
    void this.ended.then(() => this.#tell());
  }

  /** Resolves with the first match in what it has printed; rejects where it ends without one. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    let hasEnded = false;
    void this.ended.then(() => {
      hasEnded = true;
    });
    for (;;) {
      const match = pattern.exec(this.output);
      if (match) return match;
      if (hasEnded) throw new Error(`It ended without printing ${pattern}:\n${this.output}`);
      await new Promise<void>((resolve) => this.#listeners.add(resolve));
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Ends it at once, whatever it does; harmless where it has ended. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }
}
