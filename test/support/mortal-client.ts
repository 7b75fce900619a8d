import type { RedisClient } from "../../src/index.ts";

/** A client whose process can die: from then on nothing it sends arrives, and nothing comes back, for ever. */
export interface MortalClient extends RedisClient {
  readonly isDead: boolean;
  /** Resolves when the process dies. */
  readonly death: Promise<"died">;
  die(): void;
  /** Resolves when all that was sent before the death has arrived. */
  arrived(): Promise<void>;
}

/** `diesAt` sees each request's number, from 0, before it is sent. */
export function mortalClient(
  client: RedisClient,
  diesAt: (index: number) => boolean = () => false,
): MortalClient {
  let resolve: (outcome: "died") => void = () => undefined;
  const death = new Promise<"died">((given) => {
    resolve = given;
  });
  const underWay: Promise<unknown>[] = [];
  let isDead = false;
  const die = (): void => {
    isDead = true;
    resolve("died");
  };
  const send = <Reply>(request: () => Promise<Reply>): Promise<Reply> => {
    if (!isDead && diesAt(underWay.length)) die();
    if (isDead) return new Promise(() => undefined);
    const reply = request();
    underWay.push(reply.catch(() => undefined));
    return reply;
  };
  return {
    name: `mortal ${client.name}`,
    death,
    die,
    get isDead() {
      return isDead;
    },
    command: (command, options) => send(() => client.command(command, options)),
    pipeline: (commands, options) => send(() => client.pipeline(commands, options)),
    close: async () => undefined,
    arrived: async () => void (await Promise.all(underWay)),
  };
}
