import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Called, ChildOrder, ChildPlace, FromChild, ToChild } from "./orders.ts";

const childPath = fileURLToPath(new URL("./child.ts", import.meta.url));

/** A process that drains, as its parent sees it. */
export class Child {
  readonly place: ChildPlace;
  readonly process: ChildProcess;
  /** Resolves with the signal that ended it, null for none. */
  readonly exited: Promise<NodeJS.Signals | null>;
  output = "";
  readonly #heard: Record<"ready" | "draining", Promise<void>>;

  /** Whether it has been told to begin: from then on it takes hops. */
  hasBegun = false;

  constructor(
    place: ChildPlace,
    cacheFolder: string,
    hear: { error(error: string): void; hop(called: Called, isBeside: boolean): void },
  ) {
    this.place = place;
    this.process = spawn(process.execPath, [childPath, JSON.stringify(place)], {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: cacheFolder },
    });
    this.process.stderr?.on("data", (chunk: Buffer) => {
      this.output += chunk.toString();
    });
    this.exited = new Promise((resolve) => {
      this.process.once("exit", (_, signal) => resolve(signal));
      this.process.once("error", () => resolve(null));
    });
    const hears = (word: FromChild): Promise<void> =>
      new Promise((resolve) => this.process.on("message", (message) => message === word && resolve()));
    this.#heard = { ready: hears("ready"), draining: hears("draining") };
    this.process.on("message", (message: FromChild) => {
      if (typeof message !== "object") return;
      if ("error" in message) hear.error(message.error);
      else hear.hop({ hop: message.hop }, message.isBeside);
    });
  }

  /** Resolves once it drains, or is dead. */
  async begin(order: ChildOrder): Promise<void> {
    await Promise.race([this.#heard.ready, this.exited]);
    this.tell(order);
    this.hasBegun = true;
    await Promise.race([this.#heard.draining, this.exited]);
  }

  tell(message: ToChild): void {
    // It may be dead, which is what this is about.
    this.process.send(message, () => undefined);
  }
}
