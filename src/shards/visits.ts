import { numberOf } from "../broker/replies.ts";
import { RedisReplyError, RedisTransportError } from "../errors.ts";
import type { Member } from "../lists/fair-run.ts";
import type { ByteString, RedisCommand } from "../redis/redis-client.ts";
import type { Sender } from "../redis/sender.ts";

/** A list, and the keys that say whether it has work. */
export interface Asked<Name = Member> {
  readonly member: Name;
  readonly keys: readonly ByteString[];
}

/** Finds out which lists have something to do. One command where there is nothing, and all share a server. */
export class Visits {
  /** Learnt from the first refusal: the lists are on several nodes of a cluster. */
  #areApart = false;

  /** Those that may have work. One that cannot be asked is among them: whoever drains it meets the error. */
  async open<Name>(sender: Sender, asked: readonly Asked<Name>[]): Promise<readonly Name[]> {
    const members = asked.map(({ member }) => member);
    if (await this.#areAllEmpty(sender, asked)) return [];
    // Of one, the question for all was the question for it.
    if (members.length === 1) return members;
    const commands = asked.map(({ keys }): RedisCommand => ["EXISTS", ...keys]);
    const replies = await sender.pipelineOnce(commands).catch((error: unknown) => {
      if (error instanceof RedisTransportError) return [];
      throw error;
    });
    return members.filter((_, at) => replies[at] !== 0);
  }

  async #areAllEmpty(sender: Sender, asked: readonly Asked<unknown>[]): Promise<boolean> {
    if (asked.length === 0) return true;
    if (this.#areApart && asked.length > 1) return false;
    try {
      return (await numberOf(sender, ["EXISTS", ...asked.flatMap(({ keys }) => keys)])) === 0;
    } catch (error) {
      if (!(error instanceof RedisReplyError) || error.prefix !== "CROSSSLOT") throw error;
      this.#areApart = true;
      return false;
    }
  }
}
