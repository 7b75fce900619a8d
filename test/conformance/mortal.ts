import type { DrainOptions, DrainReport, Message } from "../../src/index.ts";
import { mortalClient } from "../support/mortal-client.ts";
import type { Setup } from "./setup.ts";

/** Runs a drain whose process dies at once when its handler meets `poison`. Returns the report of one that lived. */
export async function runMortal(
  { client, door, make }: Setup,
  poison: (message: Message) => boolean,
  options: Partial<DrainOptions<never>> = {},
): Promise<DrainReport | "died"> {
  const redis = mortalClient(client());
  const never = new Promise<never>(() => undefined);
  const drain = make({
    redis,
    ...options,
    handler: async (message) => {
      if (redis.isDead) return never;
      if (poison(message)) {
        redis.die();
        return never;
      }
      return options.handler?.(message);
    },
  });
  const outcome = await Promise.race([drain.run(), redis.death]);
  await redis.arrived();
  if (outcome === "died") await door.expireLeases(drain.list);
  return outcome;
}
