import { goOn } from "../continuation.ts";
import { endingOf, reportOf } from "../fair-report.ts";
import { type Member, runFairly, type Turns } from "../fair-run.ts";
import { slicesOf } from "../fair-slice.ts";
import { asError } from "../guest.ts";
import type { DrainReport } from "../report.ts";
import { shareOf } from "../retry-policy.ts";
import type { CheckedRunOptions } from "../run-options.ts";
import type { RunnerParts } from "../runner.ts";
import { Sender } from "../sender.ts";
import type { Visits } from "./visits.ts";

export interface ShardedRunParts {
  /** Of the list itself, whose settings are those of all. */
  readonly base: RunnerParts;
  readonly visits: Visits;
  readonly turns: Turns;
  /** The lists to drain. Throws where the registry says another count. */
  lists(sender: Sender): Promise<readonly RunnerParts[]>;
}

/** The options of a run, its place in its chain among them. */
type ShardedRunOptions = CheckedRunOptions & { readonly chain: NonNullable<CheckedRunOptions["chain"]> };

/** One run over all lists, each as long as the others, and one continuation for all. Rejects for what `lists` throws. */
export async function runShards(parts: ShardedRunParts, options: ShardedRunOptions): Promise<DrainReport> {
  const { settings, keys } = parts.base;
  const { clock, redis: client, requestTimeoutMs } = settings;
  const { budgetMs, maxMessages, maxRequests, signal } = options;
  const startedAt = clock.now();
  const endAt = startedAt + budgetMs;
  const bounds = { giveUpAt: endAt, requestCountMax: maxRequests };
  const sender = new Sender({ client, clock, requestTimeoutMs, near: keys.list, ...bounds });
  const lists = new Map<Member, RunnerParts>();
  for (const list of await parts.lists(sender)) {
    const run = slicesOf(list, options, startedAt);
    lists.set({ name: list.settings.list, weight: 1, run }, list);
  }

  const run = await runFairly({
    members: [...lists.keys()],
    isStrict: false,
    look: async (questions) => {
      const asked = questions.map(({ member, about }) => {
        const { keys: own } = lists.get(member) as RunnerParts;
        return { member, keys: about === "new" ? [own.list] : workKeys(own) };
      });
      return parts.visits.open(sender, asked);
    },
    turns: parts.turns,
    clock,
    endAt,
    maxMessages,
    maxRequests,
    requestsOfLooks: () => sender.meter.requests,
    isAborted: () => signal?.aborted === true,
  });
  const { lists: _ofEach, ...report } = reportOf(run, {
    ...sender.meter,
    elapsedMs: clock.now() - startedAt,
  });
  const onward = await nextDrain(parts.base, options, endAt, endingOf(run, report));
  return { ...report, ...onward, elapsedMs: clock.now() - startedAt };
}

async function nextDrain(
  { settings }: RunnerParts,
  { chain }: ShardedRunOptions,
  endAt: number,
  ending: ReturnType<typeof endingOf>,
): Promise<Partial<DrainReport>> {
  const { continuation, list, clock, randomId, maxConcurrency, maxAttempts, retryDelay, random } = settings;
  if (!continuation) return {};
  const share = (): number => shareOf({ maxAttempts, retryDelay, random });
  try {
    const onward = { list, chain, maxConcurrency, endAt, clock, random: share, randomId };
    const said = await goOn(continuation, ending, onward);
    if (said === "continued") return { continuedWith: continuation.name };
    return said === "ended" ? {} : { declined: said.declined };
  } catch (error) {
    // The chain ends here, and the next tick starts another.
    return { error: asError(error) };
  }
}

/** Where either engine, in whatever order, has work. */
function workKeys({ list, delayed, parked, leases, sharedWorking, seen }: RunnerParts["keys"]): string[] {
  return [list, delayed, parked, leases, sharedWorking, seen];
}
