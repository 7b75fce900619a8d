import { type ChildProcess, spawn } from "node:child_process";

/** How a program ended: by its own code, or by a signal. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProgramOptions {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** The whole of its standard input, or `typed` for what `type` is called with. Default: none. */
  readonly input?: string | Uint8Array | undefined;
}

/** A program in a process of its own, with what it prints. */
export class Program {
  /** Resolves when it has ended and all it printed has been read. */
  readonly ended: Promise<Exit>;
  /** Both streams, as they came. */
  output = "";
  /** The standard output alone. */
  stdout = "";
  readonly #child: ChildProcess;
  readonly #listeners = new Set<() => void>();

  /** It gets the given environment, and of ours only the PATH; and as its input what is given, or what is typed. */
  constructor(command: string, args: readonly string[], { folder, environment, input }: ProgramOptions) {
    const child = spawn(command, args, {
      cwd: folder,
      env: { PATH: process.env.PATH ?? "", HOME: folder, NO_COLOR: "1", ...environment },
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
        if (stream === child.stdout) this.stdout += text;
        this.#tell();
      });
    }
    // It may end before it has read all.
    child.stdin?.on("error", () => undefined);
    if (input !== undefined && input !== "typed") child.stdin?.end(input);
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

  /** Types text, where its input is typed. */
  type(text: string): void {
    this.#child.stdin?.write(text);
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
