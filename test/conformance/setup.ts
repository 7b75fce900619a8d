import {
  createDrain,
  type Drain,
  type DrainOptions,
  type EveryDrainOption,
  type Message,
  type RedisClient,
} from "../../src/index.ts";
import { type Fault, type FaultyClient, faultyClient } from "../support/faulty-client.ts";
import type { SideDoor } from "../support/side-door.ts";

/** The list of every suite. */
export const list = "mail";

/** What every suite is given: one engine over one client, and the side door to the same Redis. */
export interface Setup {
  readonly engine: "scripted" | "plain";
  readonly door: SideDoor;
  /** The client under test; there is one only while tests run. */
  client(): RedisClient;
  /**
   * A drain of `list`. Unless told otherwise it claims a batch at a time and handles a message at a time, so that a
   * test can say which messages are where.
   */
  make(options?: Partial<EveryDrainOption<never>>): Drain;
  /** Pushes as producers of any language do: to the left end, the first given first. */
  produce(...payloads: string[]): Promise<number>;
  /** The client under test with a network that does as told. */
  faulty(decide: Parameters<typeof faultyClient>[1]): FaultyClient;
  /** Every key with messages in it; what the brake and a refused effect leave noted is none. */
  places(): Promise<string[]>;
}

/** A suite: what is promised, as tests. */
export type Suite = (setup: Setup) => void;

export function makeSetup(
  engine: Setup["engine"],
  door: SideDoor,
  client: () => RedisClient,
  always: Partial<EveryDrainOption<never>> = {},
): Setup {
  return {
    engine,
    door,
    client,
    make: (options = {}) =>
      createDrain({
        redis: client(),
        list,
        prefetch: 0,
        engine,
        concurrency: 1,
        // The longest of the random delays: nothing is due again while its own run goes on.
        random: () => 1,
        ...always,
        ...(options.batchHandler ? {} : { handler: () => undefined }),
        ...options,
      } as unknown as DrainOptions),
    produce: (...payloads) => door.redis.lpush(list, ...payloads),
    faulty: (decide) => faultyClient(client(), decide),
    places: async () => Object.keys(await door.everything()).filter((key) => !/:(brake|done:.*)$/.test(key)),
  };
}

/** A handler that succeeds, and the payloads it has seen. */
export function recording(): { seen: string[]; handler: (message: Message) => void } {
  const seen: string[] = [];
  return { seen, handler: (message) => void seen.push(message.payload) };
}

/** As many different payloads: `m0`, `m1`, … */
export function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `m${at}`);
}

/** A fault for the request of one number, none for the others. */
export function only(failing: number, fault: Fault): (index: number) => Fault {
  return (index) => (index === failing ? fault : "none");
}
