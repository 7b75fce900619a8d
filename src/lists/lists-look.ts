import { numberOf, pipelined } from "../broker/replies.ts";
import { sharedWorkingList } from "../broker/shared-working-list.ts";
import { RedisProtocolError, RedisReplyError } from "../errors.ts";
import type { ByteString } from "../redis/redis-client.ts";
import type { Sender } from "../redis/sender.ts";
import type { RunnerParts } from "../run/runner.ts";
import type { Member, Question } from "./fair-run.ts";

/** One of several lists, and the keys that exist while it has something to do. */
export interface ListMember extends Member {
  readonly keys: { readonly [About in Question["about"]]: readonly ByteString[] } & {
    /** Its dead letters. They are no work. */
    readonly dead: ByteString;
  };
}

/** A group of at most this many lists, of which one has work, is asked list by list. */
const groupCountMin = 4;

export type Looks = Pick<ListsLook, "any" | "find">;

/**
 * Asks Redis which of several lists have work: first, by one command, whether any has, and then which, group by group. A cluster
 * refuses keys of several slots in one command; there, one request holds a command for each list.
 */
export class ListsLook {
  #isSplit = false;

  /** Whether the answer is yes for at least one of them. */
  async any(sender: Sender, questions: readonly Question[]): Promise<boolean> {
    if (!this.#isSplit) {
      try {
        return (await numberOf(sender, exists(questions))) > 0;
      } catch (error) {
        this.#noteSplit(error);
      }
    }
    return (await this.find(sender, questions)).length > 0;
  }

  async find(sender: Sender, questions: readonly Question[]): Promise<Member[]> {
    if (!this.#isSplit) {
      try {
        if ((await numberOf(sender, exists(questions))) === 0) return [];
        return await this.#among(sender, questions);
      } catch (error) {
        this.#noteSplit(error);
      }
    }
    return membersOf(
      await holding(
        sender,
        questions.map((one) => [one]),
      ),
    );
  }

  #noteSplit(error: unknown): void {
    if (!(error instanceof RedisReplyError) || error.prefix !== "CROSSSLOT") throw error;
    this.#isSplit = true;
  }

  async #among(sender: Sender, questions: readonly Question[]): Promise<Member[]> {
    if (questions.length === 1) return membersOf([questions]);
    const size = questions.length <= groupCountMin ? 1 : Math.ceil(Math.sqrt(questions.length));
    const groups: Question[][] = [];
    for (let at = 0; at < questions.length; at += size) groups.push(questions.slice(at, at + size));
    const found = await holding(sender, groups);
    if (size === 1) return membersOf(found);
    return membersOf(
      await holding(
        sender,
        found.flat().map((one) => [one]),
      ),
    );
  }
}

/** The keys of a list that exist while it has something to do. */
export function keysAsked({ settings, keys }: RunnerParts): ListMember["keys"] {
  const { list, leases, delayed, parked, seen, dead } = keys;
  const held = settings.engine === "scripted" ? [leases] : [sharedWorkingList(settings, keys), seen];
  return { any: [list, delayed, parked, ...held], new: [list], dead };
}

/** The groups of which at least one key exists. */
async function holding(
  sender: Sender,
  groups: readonly (readonly Question[])[],
): Promise<(readonly Question[])[]> {
  if (groups.length === 0) return [];
  const counts = await pipelined(sender, groups.map(exists));
  return groups.filter((_, at) => {
    const count = counts[at];
    if (typeof count !== "number") throw new RedisProtocolError("EXISTS must answer a number.");
    return count > 0;
  });
}

function exists(questions: readonly Question[]): ["EXISTS", ...ByteString[]] {
  return ["EXISTS", ...questions.flatMap(({ member, about }) => (member as ListMember).keys[about])];
}

function membersOf(groups: readonly (readonly Question[])[]): Member[] {
  return groups.flat().map(({ member }) => member);
}
