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

/** Finds out which lists have something to do. Costs one command where none has and all are on one server. */
export class Visits {
  /** Whether the lists are on several nodes of a cluster, as the first refusal shows. */
  #areApart = false;

  /** The lists that may have work. A list that cannot be asked is among them: its drain will meet the error. */
  async open<Name>(sender: Sender, asked: readonly Asked<Name>[]): Promise<readonly Name[]> {
    const members = asked.map(({ member }) => member);
    if (await this.#areAllEmpty(sender, asked)) return [];
    // Where there is only one list, the question about all was about it.
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
