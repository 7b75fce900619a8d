import { RedisReplyError } from "../errors.ts";
import { asError } from "../handling/guest.ts";
import * as limits from "../limits.ts";
import type { Sender } from "../redis/sender.ts";
import type { FairRun, FairRunParts, Slice } from "./fair-run.ts";
import { runFairly, spentBy } from "./fair-run.ts";
import type { ListMember, Looks } from "./lists-look.ts";
import type { Tenants } from "./tenants.ts";

export interface FairRoundsParts extends Omit<FairRunParts, "members" | "look"> {
  /** Names of lists and of patterns, in the order given. */
  readonly names: readonly string[];
  readonly patterns: ReadonlyMap<string, Tenants>;
  readonly looks: Looks;
  readonly sender: Sender;
  readonly randomId: () => string;
  readonly memberOf: (list: string) => ListMember;
  readonly tenantOf: (pattern: string, list: string, share: number) => ListMember;
  /** Called with each name that was taken out of its register. */
  readonly onForget: (list: string) => void;
}

/**
 * Runs named lists and lists that fit patterns within one budget. It works in rounds of a few seconds, each with some lists of
 * each pattern, chosen at random, so that a run is bounded and each list gets its turn. At the end of a round, names of empty
 * lists leave their register. Where there is no work it costs one command. Never rejects.
 */
export async function runRounds(parts: FairRoundsParts): Promise<FairRun> {
  const { patterns, clock, endAt, turns } = parts;
  const slices = new Map<string, Slice[]>();
  for (;;) {
    const found = await gather(parts).catch(asError);
    if (found instanceof Error) return { slices, stopped: "error", error: found, isAllSeen: false };
    if (!found) return { slices, stopped: null, error: errorOf(slices), isAllSeen: true };
    const roundEndAt = Math.min(endAt, clock.now() + limits.tenantsMs);
    const reports = [...slices.values()].flat().map(({ report }) => report);
    const spent = spentBy(reports, parts.requestsPerMessage);
    const { sender, looks } = parts;
    const round = await runFairly({
      ...parts,
      members: found.members.map((one) => endingAt(one, roundEndAt, parts)),
      look: (questions) => looks.find(sender, questions),
      endAt: roundEndAt,
      maxMessages: parts.maxMessages - spent.claimed,
      maxRequests: parts.maxRequests - spent.requests,
    });
    for (const [name, own] of round.slices) slices.set(name, [...(slices.get(name) ?? []), ...own]);
    let error = round.error ?? found.error;
    for (const [pattern, tenants] of patterns) {
      const own = found.tenants.get(pattern) ?? [];
      for (const { name } of own) turns.credits.delete(name);
      const empty = own.filter(({ name }) => isEmpty(round.slices.get(name)));
      if (empty.length === 0 || round.stopped === "error") continue;
      try {
        const keys = new Map(empty.map((one) => [one.name, one.keys] as const));
        for (const name of await tenants.forget(sender, parts.randomId(), keys)) parts.onForget(name);
      } catch (thrown) {
        // The names stay in the register for the next run.
        error ??= thrown as Error;
      }
    }
    const hasWorked = [...round.slices.values()].flat().some(({ report }) => report.claimed > 0);
    const isRoundOver = round.stopped === "budget" && roundEndAt < endAt && clock.now() >= roundEndAt;
    if (error || !hasWorked || !(isRoundOver || round.stopped === null))
      return {
        ...round,
        stopped: round.stopped ?? (found.error && "error"),
        slices,
        error,
        isAllSeen: round.isAllSeen && found.isAll,
      };
  }
}

interface Gathered {
  readonly members: readonly ListMember[];
  readonly tenants: ReadonlyMap<string, readonly ListMember[]>;
  /** Whether these are all lists. */
  readonly isAll: boolean;
  /** Why a register could not be read. */
  readonly error: Error | null;
}

/** The lists that exist now; null where none has work and no register holds a name. */
async function gather(parts: FairRoundsParts): Promise<Gathered | null> {
  const { names, patterns, looks, sender, memberOf, tenantOf } = parts;
  const asked = names.map((name) => {
    const tenants = patterns.get(name);
    return { member: tenants ? registerOf(tenants) : memberOf(name), about: "any" as const };
  });
  if (!(await looks.any(sender, asked))) return null;
  const members: ListMember[] = [];
  const all = new Map<string, readonly ListMember[]>();
  let isAll = true;
  let error: Error | null = null;
  for (const { member } of asked) {
    const tenants = patterns.get(member.name);
    if (!tenants) {
      members.push(member);
      continue;
    }
    const sample = await tenants.names(sender).catch((thrown) => {
      if (!(thrown instanceof RedisReplyError)) throw thrown;
      error ??= thrown;
      return { names: [], isAll: false };
    });
    isAll &&= sample.isAll;
    const own = sample.names.map((list) => tenantOf(member.name, list, 1 / sample.names.length));
    all.set(member.name, own);
    members.push(...own);
  }
  return { members, tenants: all, isAll, error };
}

/** A member that stands for all lists of a pattern in the question whether there are any. */
export function registerOf({ pattern, register }: Tenants): ListMember {
  const run = (): never => {
    throw new Error("A register of lists cannot be run. This is a bug in Spillway: please report it.");
  };
  return { name: pattern, weight: 1, keys: { any: [register], new: [register], dead: register }, run };
}

function endingAt(member: ListMember, endAt: number, { clock }: FairRoundsParts): ListMember {
  return {
    ...member,
    run: (options) => member.run({ ...options, mayClaim: () => clock.now() < endAt && options.mayClaim() }),
  };
}

/** Whether a list was seen with no messages, also none that wait for their time. */
function isEmpty(slices: readonly Slice[] | undefined): boolean {
  const last = slices?.at(-1)?.report;
  return !last || (last.remaining === 0 && last.nextDueAt === null && last.error === null);
}

function errorOf(slices: ReadonlyMap<string, readonly Slice[]>): Error | null {
  return [...slices.values()].flat().find(({ report }) => report.error)?.report.error ?? null;
}
