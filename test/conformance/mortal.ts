import type { DrainOptions, DrainReport, Message, RedisClient } from "../../src/index.ts";
import type { Setup } from "./setup.ts";

/** Runs a drain whose process dies at once when its handler meets `poison`. Returns the report of one that lived. */
export async function runMortal(
  { client, door, make }: Setup,
  poison: (message: Message) => boolean,
  options: Partial<DrainOptions<never>> = {},
): Promise<DrainReport | "died"> {
  let die: () => void = () => undefined;
  const death = new Promise<"died">((resolve) => {
    die = () => resolve("died");
  });
  let isDead = false;
  const never = new Promise<never>(() => undefined);
  const underWay: Promise<unknown>[] = [];
  const send = <Reply>(request: () => Promise<Reply>): Promise<Reply> => {
    if (isDead) return never;
    const reply = request();
    underWay.push(reply.catch(() => undefined));
    return reply;
  };
  const redis: RedisClient = {
    ...client(),
    name: "mortal",
    command: (...args) => send(() => client().command(...args)),
    pipeline: (...args) => send(() => client().pipeline(...args)),
    close: async () => undefined,
  };
  const drain = make({
    redis,
    ...options,
    handler: async (message) => {
      if (isDead) return never;
      if (poison(message)) {
        isDead = true;
        die();
        return never;
      }
      return options.handler?.(message);
    },
  });
  const outcome = await Promise.race([drain.run(), death]);
  // What it had sent still arrives.
  await Promise.all(underWay);
  if (outcome === "died") await door.expireLeases(drain.list);
  return outcome;
}
