import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { startRedisServer } from "../adapters/local/redis-process.ts";
import { testToken } from "../test/support/redis.ts";
import type { Measured, Order } from "./children/run.ts";
import { type PeerName, peers } from "./peers/index.ts";
import type { Peer, Place } from "./peers/types.ts";
import type { Spent } from "./profiler.ts";

/** The one that the Workers of the tests are given. */
const token = testToken;

export type RunOrder = Omit<Order, "peer" | "place">;

export interface StagedRun extends Measured {
  /** CPU time of the REST server, µs a message; null for TCP. */
  readonly restCpuUs: number | null;
  /** Where it went, if asked. */
  readonly restSpent?: readonly Spent[];
}

/** A Redis, the REST server in front of it, and a delay proxy for each transport and round trip: a process each. */
export class Stage {
  readonly #redis: Awaited<ReturnType<typeof startRedisServer>>;
  readonly #children: ChildProcess[] = [];
  readonly #ports = new Map<string, Promise<number>>();
  #rest: Promise<{ child: ChildProcess; port: number }> | undefined;

  private constructor(redis: Awaited<ReturnType<typeof startRedisServer>>) {
    this.#redis = redis;
  }

  static async open(): Promise<Stage> {
    return new Stage(await startRedisServer());
  }

  get redisUrl(): string {
    return this.#redis.url;
  }

  async place(transport: "rest" | "tcp", roundTripMs: number): Promise<Place> {
    const redisPort = Number(new URL(this.redisUrl).port);
    const target = transport === "rest" ? (await this.#openRest()).port : redisPort;
    const port = roundTripMs === 0 ? target : await this.#proxy(target, roundTripMs);
    const url = `${transport === "rest" ? "http" : "redis"}://127.0.0.1:${port}`;
    return { redisUrl: this.redisUrl, url, token };
  }

  /** Runs a peer once, after another process has put there what it is to work off. */
  async run(peer: PeerName, roundTripMs: number, order: RunOrder): Promise<StagedRun> {
    const { transport }: Peer = peers[peer];
    const place = await this.place(transport, roundTripMs);
    const orderJson = JSON.stringify({ ...order, peer, place } satisfies Order);
    await ask("fill.ts", [orderJson]);
    if (transport === "tcp") return { ...(await ask<Measured>("run.ts", [orderJson])), restCpuUs: null };
    const { cpuUs } = await this.#askRest(order.isProfiled ? "profile" : "cpu");
    const measured = await ask<Measured>("run.ts", [orderJson]);
    const after = await this.#askRest(order.isProfiled ? "profiled" : "cpu");
    return { ...measured, restCpuUs: (after.cpuUs - cpuUs) / order.count, restSpent: after.spent };
  }

  /** What the proxy really adds: the median round trip of PING through it, ms. */
  async roundTripOf(roundTripMs: number): Promise<number> {
    const { url } = await this.place("tcp", roundTripMs);
    const redis = new Redis(url, { protocol: 2 });
    const times: number[] = [];
    for (let count = 0; count < 21; count++) {
      const startedAt = performance.now();
      await redis.ping();
      times.push(performance.now() - startedAt);
    }
    redis.disconnect();
    return times.sort((a, b) => a - b)[10] as number;
  }

  async close(): Promise<void> {
    for (const child of this.#children) child.kill();
    await this.#redis.stop();
  }

  #proxy(targetPort: number, roundTripMs: number): Promise<number> {
    const key = `${targetPort} ${roundTripMs}`;
    const args = [String(targetPort), String(roundTripMs)];
    const known = this.#ports.get(key) ?? this.#start("proxy.ts", args).then(({ port }) => port);
    this.#ports.set(key, known);
    return known;
  }

  #openRest(): Promise<{ child: ChildProcess; port: number }> {
    this.#rest ??= this.#start("rest.ts", [this.redisUrl, token]);
    return this.#rest;
  }

  async #askRest(what: "cpu" | "profile" | "profiled"): Promise<{ cpuUs: number; spent: Spent[] }> {
    const { child } = await this.#openRest();
    child.send(what);
    return firstMessage(child, "rest.ts");
  }

  async #start(file: string, args: string[]): Promise<{ child: ChildProcess; port: number }> {
    const child = forkQuietly(file, args);
    this.#children.push(child);
    const { port } = await firstMessage<{ port: number }>(child, file);
    return { child, port };
  }
}

/** Runs a child to its end, and returns what it said. */
export async function ask<Answer>(file: string, args: string[]): Promise<Answer> {
  const child = forkQuietly(file, args);
  const answer = await firstMessage<Answer>(child, file);
  child.kill();
  return answer;
}

function forkQuietly(file: string, args: string[]): ChildProcess {
  return fork(fileURLToPath(new URL(`./children/${file}`, import.meta.url)), args, {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
}

function firstMessage<Message>(child: ChildProcess, file: string): Promise<Message> {
  return new Promise((resolve, reject) => {
    const fail = (code: number | null): void =>
      reject(new Error(`${file} ended with ${code} before it said anything.`));
    child.once("exit", fail);
    child.once("message", (message) => {
      child.off("exit", fail);
      resolve(message as Message);
    });
  });
}
