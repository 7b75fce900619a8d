import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { transformSync } from "esbuild";
import type { RuntimeError, RuntimeInvocation, RuntimeReport } from "./runtime.ts";

/** How an invocation ended. `result` is JSON; `error` is what a caller who waits is told. */
export type Ended = { readonly logs: string[] } & (
  | { readonly outcome: "returned"; readonly result: string }
  | { readonly outcome: "threw" | "timed-out" | "crashed"; readonly error: RuntimeError }
);

export interface EnvironmentOptions {
  readonly id: string;
  /** Absolute path of the bundle. */
  readonly file: string;
  /** The name of the export that is the handler. */
  readonly handler: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Where its output is kept. */
  readonly folder: string;
}

/** Node would need as long again to take the types off at each start. */
const runtimeCode = transformSync(readFileSync(new URL("./runtime.ts", import.meta.url), "utf8"), {
  loader: "ts",
  target: "node24",
}).code;
/** AWS ends an initialisation after this time. */
const initMsMax = 10_000;

/** A frozen process would outlive us. */
const living = new Set<Environment>();
process.once("exit", () => {
  for (const environment of living) environment.kill();
});

/**
 * An execution environment: a process that has imported the bundle and runs one invocation at a time. It is frozen
 * (SIGSTOP) from the end of one to the next, and killed (SIGKILL) where one reaches its timeout.
 */
export class Environment {
  readonly id: string;
  /** Resolves once it has imported the bundle, with the error where that failed. */
  readonly ready: Promise<RuntimeError | null>;
  /** Resolves once its process has ended. */
  readonly ended: Promise<void>;
  isAlive = true;
  readonly #child: ChildProcess;
  /** Its output is a file and not a pipe: all of it is there when a report is. */
  readonly #logPath: string;
  #logBytesTaken = 0;
  #onReport: (report: RuntimeReport | null) => void = () => undefined;

  constructor({ id, file, handler, variables, folder }: EnvironmentOptions) {
    this.id = id;
    this.#logPath = join(folder, `${id}.log`);
    const log = openSync(this.#logPath, "a");
    const runtimePath = join(folder, "runtime.mjs");
    writeFileSync(runtimePath, runtimeCode);
    this.#child = spawn(process.execPath, [runtimePath, file, handler, import.meta.url], {
      env: { ...variables },
      stdio: ["pipe", log, log, "pipe"],
    });
    closeSync(log);
    // A write to a process that has just died: its end is reported by the close event.
    this.#child.stdin?.on("error", () => undefined);
    const reports = createInterface({ input: this.#child.stdio[3] as Readable });
    reports.on("line", (line) => this.#onReport(JSON.parse(line) as RuntimeReport));
    living.add(this);
    this.ended = new Promise((resolve) => {
      this.#child.once("close", () => {
        living.delete(this);
        this.isAlive = false;
        this.#onReport(null);
        resolve();
      });
    });
    this.ready = this.#initialise();
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async run(invocation: RuntimeInvocation, timeoutMs: number): Promise<Ended> {
    const reported = this.#nextReport();
    this.#child.kill("SIGCONT");
    this.#child.stdin?.write(`${JSON.stringify(invocation)}\n`);
    const { report, isTimedOut } = await this.#killAfter(timeoutMs, reported);
    const named = `RequestId: ${invocation.requestId} Error: `;
    if (isTimedOut) {
      const message = `${named}Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`;
      return this.#failed("timed-out", { errorType: "Sandbox.Timedout", errorMessage: message });
    }
    if (report === null) {
      const message = `${named}Runtime exited with error: ${this.#exitStatus()}`;
      return this.#failed("crashed", { errorType: "Runtime.ExitError", errorMessage: message });
    }
    this.#child.kill("SIGSTOP");
    if ("error" in report) return this.#failed("threw", report.error);
    if ("result" in report) return { outcome: "returned", result: report.result, logs: this.takeLogs() };
    throw new Error(`Environment ${this.id} said twice that it is ready.`);
  }

  /** The lines that it has printed since the last call. */
  takeLogs(): string[] {
    const bytes = readFileSync(this.#logPath).subarray(this.#logBytesTaken);
    this.#logBytesTaken += bytes.length;
    const lines = bytes.toString().split("\n");
    return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
  }

  async #initialise(): Promise<RuntimeError | null> {
    const { report, isTimedOut } = await this.#killAfter(initMsMax, this.#nextReport());
    if (isTimedOut)
      return { errorType: "Sandbox.Timedout", errorMessage: "The bundle took too long to load" };
    if (report === null) return { errorType: "Runtime.ExitError", errorMessage: this.#exitStatus() };
    return "error" in report ? report.error : null;
  }

  /** What the process reports within the time, or null where it ends without; both only once that is settled. */
  async #killAfter(
    limitMs: number,
    reported: Promise<RuntimeReport | null>,
  ): Promise<{ report: RuntimeReport | null; isTimedOut: boolean }> {
    let isTimedOut = false;
    const timer = setTimeout(() => {
      isTimedOut = true;
      this.kill();
    }, limitMs);
    const report = await reported;
    clearTimeout(timer);
    if (isTimedOut) await this.ended;
    return { report, isTimedOut };
  }

  #nextReport(): Promise<RuntimeReport | null> {
    return new Promise((resolve) => {
      this.#onReport = resolve;
      if (!this.isAlive) resolve(null);
    });
  }

  #failed(outcome: "threw" | "timed-out" | "crashed", error: RuntimeError): Ended {
    return { outcome, error, logs: this.takeLogs() };
  }

  #exitStatus(): string {
    const { exitCode, signalCode } = this.#child;
    return signalCode === null ? `exit status ${exitCode}` : `signal: ${signalCode}`;
  }
}
