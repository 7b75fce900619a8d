import { type ChildProcess, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A `redis-server` that this process started. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  readonly process: ChildProcess;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
  /** Kills it as a crash would, and leaves its folder. */
  kill(): Promise<void>;
}

export interface RedisServerOptions {
  /** Default: a free one. */
  port?: number;
  /** Further arguments, such as `["--appendonly", "yes"]`. Default: no persistence. */
  args?: readonly string[];
  /** Where it keeps its files. Default: a new folder for temporary files. */
  folder?: string;
}

const startAttemptCountMax = 200;
const startAttemptMs = 25;

/** The program that speaks Redis: what `SPILLWAY_REDIS_SERVER` names, by its path or on the PATH, or else `redis-server`. */
export function redisServerProgram(): string {
  return process.env.SPILLWAY_REDIS_SERVER || "redis-server";
}

/** Starts the server and resolves once it answers. Throws where the program is not there or does not start. */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const port = options.port ?? (await freePort());
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), "spillway-redis-")));
  const args = [
    "--port",
    String(port),
    "--bind",
    "127.0.0.1",
    "--dir",
    folder,
    "--save",
    "",
    ...(options.args ?? []),
  ];
  const program = redisServerProgram();
  const child = spawn(program, args, { stdio: "ignore" });
  let failure: Error | undefined;
  child.once("error", (error) => {
    failure = new Error(`${program} does not start. Is it installed, and on the PATH?`, { cause: error });
  });
  child.once("exit", (code) => {
    failure ??= new Error(
      `${program} ended with code ${code} before it answered on port ${port}. Does it start by itself?`,
    );
  });
  const isOurFolder = options.folder === undefined;
  const endWithUs = (): void => {
    child.kill("SIGKILL");
    if (isOurFolder) rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", endWithUs);
  const guard = child.pid === undefined ? undefined : startGuard(child.pid, isOurFolder ? folder : undefined);
  for (let attempt = 0; !(await answersPing(port)); attempt++) {
    if (failure || attempt >= startAttemptCountMax) {
      process.removeListener("exit", endWithUs);
      guard?.kill("SIGKILL");
      endWithUs();
      throw failure ?? new Error(`${program} on port ${port} did not answer.`);
    }
    await new Promise((resolve) => setTimeout(resolve, startAttemptMs));
  }
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    process.removeListener("exit", endWithUs);
    guard?.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill(signal);
      await ended;
    }
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    process: child,
    kill: () => end("SIGKILL"),
    stop: async () => {
      await end("SIGTERM");
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Ends the server where this process is killed and can do nothing itself: a shell waits until its pipe to this process breaks, and
 * then ends the server and removes its folder.
 */
function startGuard(pid: number, folder: string | undefined): ChildProcess | undefined {
  if (process.platform === "win32") return undefined;
  const script = 'cat > /dev/null; kill -9 "$0"; if [ -n "$1" ]; then rm -rf "$1"; fi';
  const args = ["-c", script, String(pid), folder ?? ""];
  const guard = spawn("sh", args, { stdio: ["pipe", "ignore", "ignore"], detached: true });
  guard.on("error", () => undefined);
  guard.stdin?.on("error", () => undefined);
  guard.unref();
  (guard.stdin as Socket | null)?.unref();
  return guard;
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("No free port was found.");
  return address.port;
}

function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => socket.write("PING\r\n"));
    socket.once("data", (data) => {
      resolve(data.toString().startsWith("+PONG"));
      socket.destroy();
    });
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
  });
}
