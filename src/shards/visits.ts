import { numberOf } from "../broker/replies.ts";
import { RedisReplyError, RedisTransportError } from "../errors.ts";
import type { ListKeys } from "../keys.ts";
import type { ByteString, RedisCommand } from "../redis-client.ts";
import type { Sender } from "../sender.ts";

/** Finds out which lists have something to do. One command where there is nothing, and all share a server. */
export class Visits {
  /** Learnt from the first refusal: the lists are on several nodes of a cluster. */
  #areApart = false;

  /** Those that may have work. One that cannot be asked is among them: whoever drains it meets the error. */
  async open(sender: Sender, lists: readonly ListKeys[]): Promise<readonly ListKeys[]> {
    if (lists.length === 0 || (await this.#areAllEmpty(sender, lists))) return [];
    if (lists.length === 1) return lists;
    const asked = lists.map((keys): RedisCommand => ["EXISTS", ...workKeys(keys)]);
    const replies = await sender.pipelineOnce(asked).catch((error: unknown) => {
      if (error instanceof RedisTransportError) return [];
      throw error;
    });
    return lists.filter((_, at) => replies[at] !== 0);
  }

  async #areAllEmpty(sender: Sender, lists: readonly ListKeys[]): Promise<boolean> {
    if (this.#areApart) return false;
    try {
      return (await numberOf(sender, ["EXISTS", ...lists.flatMap(workKeys)])) === 0;
    } catch (error) {
      if (!(error instanceof RedisReplyError) || error.prefix !== "CROSSSLOT") throw error;
      this.#areApart = true;
      return false;
    }
  }
}

/** Where either engine has work. */
function workKeys({ list, delayed, leases, sharedWorking, seen }: ListKeys): ByteString[] {
  return [list, delayed, leases, sharedWorking, seen];
}
