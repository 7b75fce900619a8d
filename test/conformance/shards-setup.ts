import { createDrain, type Drain, type EveryDrainOption, type RedisClient } from "../../src/index.ts";
import { list } from "./setup.ts";

export interface ShardsUnderTest {
  client(): RedisClient;
  /** Every key there is, on all servers. */
  keys(): Promise<string[]>;
}

/** What suites of lists with shards are made with. */
export function shardsSetup({ client, keys }: ShardsUnderTest) {
  const make = (
    shards: number | undefined,
    handled: string[] = [],
    options: Partial<EveryDrainOption<never>> = {},
  ): Drain =>
    createDrain({
      redis: client(),
      list,
      shards,
      random: () => 0,
      handler: (message: { payload: string }) => void handled.push(message.payload),
      ...options,
    } as Parameters<typeof createDrain>[0]);

  /** What is left when all is done: what Redis is told of shards stays. */
  const left = async (): Promise<string[]> => (await keys()).filter((key) => key !== `{${list}}:shards`);

  return { make, left };
}
