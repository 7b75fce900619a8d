import type { RedisClient, RedisCommand, RedisReply } from "../../src/index.ts";
import { RedisTransportError } from "../../src/index.ts";

/** What the network does to one request. */
export type Fault = "none" | "lose-request" | "lose-reply" | "double";

/** A client that also tells what it was asked to send, request by request. */
export interface FaultyClient extends RedisClient {
  readonly sent: readonly (readonly RedisCommand[])[];
}

/** A client whose network does as told: `decide` sees each request's number, from 0, and its commands. */
export function faultyClient(
  client: RedisClient,
  decide: (index: number, commands: readonly RedisCommand[]) => Fault,
): FaultyClient {
  const sent: RedisCommand[][] = [];
  const through = async <Reply>(
    commands: readonly RedisCommand[],
    send: () => Promise<Reply>,
  ): Promise<Reply> => {
    const fault = decide(sent.length, commands);
    sent.push([...commands]);
    if (fault === "lose-request")
      throw new RedisTransportError("The request was lost.", { isRetryable: true });
    if (fault === "double") await send().catch(() => undefined);
    const reply = await send();
    if (fault === "lose-reply") throw new RedisTransportError("The reply was lost.", { isRetryable: true });
    return reply;
  };
  return {
    name: `faulty ${client.name}`,
    sent,
    command: (command, options): Promise<RedisReply> =>
      through([command], () => client.command(command, options)),
    pipeline: (commands, options) => through(commands, () => client.pipeline(commands, options)),
    close: () => client.close(),
  };
}
