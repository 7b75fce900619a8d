import { goOnAndTell } from "../chain/continuation.ts";
import { begin } from "../chain/wake.ts";
import { shareOf } from "../handling/retry-policy.ts";
import * as limits from "../limits.ts";
import { endingOf, reportOf } from "../lists/fair-report.ts";
import { type Member, runFairly, type Turns } from "../lists/fair-run.ts";
import { slicesOf } from "../lists/fair-slice.ts";
import type { CheckedRunOptions } from "../options/run-options.ts";
import { Sender } from "../redis/sender.ts";
import type { DrainReport } from "../run/report.ts";
import type { RunnerParts } from "../run/runner.ts";
import { wholeScaler } from "../scale/scale-whole.ts";
import type { Visits } from "./visits.ts";

export interface ShardedRunParts {
  /** Of the list itself, whose settings are those of all. */
  readonly base: RunnerParts;
  readonly visits: Visits;
  readonly turns: Turns;
  readonly shards: number;
  /** The lists to drain. Throws where the registry says another count. */
  lists(sender: Sender): Promise<readonly RunnerParts[]>;
}

/** The options of a run, its place in its chain among them. */
type ShardedRunOptions = CheckedRunOptions & { readonly chain: NonNullable<CheckedRunOptions["chain"]> };

/** One run over all lists, each as long as the others, and one continuation for all. Rejects for what `lists` throws. */
export async function runShards(parts: ShardedRunParts, options: ShardedRunOptions): Promise<DrainReport> {
  const { settings, keys } = parts.base;
  const { clock, redis: client, requestTimeoutMs } = settings;
  const { budgetMs, maxMessages, maxRequests, signal, chain } = options;
  const startedAt = clock.now();
  const endAt = startedAt + budgetMs;
  const bounds = { giveUpAt: endAt, requestCountMax: maxRequests };
  const sender = new Sender({ client, clock, requestTimeoutMs, near: keys.list, ...bounds });
  const { continuation, list, maxConcurrency, engine, scaleOut = maxConcurrency > 1 } = settings;
  const random = (): number => shareOf(settings);
  const onward = { list, chain, maxConcurrency, endAt, clock, random, randomId: settings.randomId };
  if (continuation && chain.hop > 0) await begin(sender, keys);
  const chainsMax = Math.min(limits.chainsMax, maxConcurrency * parts.shards);
  const drains = `${keys.base}drains`;
  const scaler = wholeScaler(engine === "scripted" && scaleOut, {
    ...onward,
    continuation,
    chainsMax,
    drains,
    sender,
  });
  const lists = new Map<Member, RunnerParts>();
  for (const list of await parts.lists(sender)) {
    const run = slicesOf(list, options, startedAt, { scaleOut: scaler?.ofList(list), isShard: true });
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
      const found = await parts.visits.open(sender, asked);
      scaler?.noteOpen(found.map(({ name }) => name));
      return found;
    },
    turns: parts.turns,
    clock,
    endAt,
    maxMessages,
    maxRequests,
    requestsPerMessage: options.requestsPerMessage,
    requestsBeside: () => sender.meter.requests + (scaler?.told.started ?? 0),
    isAborted: () => signal?.aborted === true,
  });
  const isSurplus = await scaler?.ended(run.stopped);
  const { lists: _ofEach, ...report } = reportOf(run, {
    ...sender.meter,
    elapsedMs: clock.now() - startedAt,
  });
  const told = isSurplus ? {} : await goOnAndTell(settings.continuation, endingOf(run, report), onward);
  return { ...report, ...scaler?.told, ...told, elapsedMs: clock.now() - startedAt };
}

/** Where either engine, in whatever order, has work. */
function workKeys({ list, delayed, parked, leases, sharedWorking, seen }: RunnerParts["keys"]): string[] {
  return [list, delayed, parked, leases, sharedWorking, seen];
}
