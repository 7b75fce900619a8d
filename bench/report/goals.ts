import type { LoadName, Row } from "../loads.ts";

export type Results = Partial<Record<LoadName, Row[]>>;

/** What we want, and what came of it. */
export interface Goal {
  readonly wanted: string;
  readonly got: string;
  readonly isMet: boolean;
}

/** The median of a row's figure. Throws where there is no such row. */
function value(rows: readonly Row[], peer: string, under: string, figure = "perSecond"): number {
  const found = rows.find((row) => row.peer === peer && row.under === under)?.figures[figure];
  if (!found) throw new Error(`No ${figure} of ${peer} under ${under}.`);
  return found.median;
}

const times = (ratio: number): string => `${ratio.toFixed(ratio < 10 ? 2 : 0)} ×`;

/** The goals that these results can tell of. */
export function goalsOf(results: Results): Goal[] {
  const goals: Goal[] = [];
  const add = (wanted: string, isMet: boolean, got: string): void => void goals.push({ wanted, got, isMet });
  const { throughput, first, slots, chains, million, stuck, wake, idle, flow, fixed } = results;
  if (throughput) {
    const at = (peer: string, roundTrip: number, figure?: string): number =>
      value(throughput, peer, `${roundTrip} ms`, figure);
    const hundred = "Spillway, REST, batches of 100";
    const ofWire = at(hundred, 20) / at("wire limit, REST, batches of 100", 20);
    add("≥ 0.9 of the wire limit at 20 ms, both with batches of 100", ofWire >= 0.9, times(ofWire));
    const ofLargeWire = at("Spillway, REST", 20) / at("wire limit, REST, batches of 1,000", 20);
    add("the same with batches as they grow, against 1,000", ofLargeWire >= 0.9, times(ofLargeWire));
    const ofNaive = at("Spillway, REST", 20) / at("naive loop", 20);
    add("≥ 50 × the naive loop at 20 ms", ofNaive >= 50, times(ofNaive));
    for (const roundTrip of [0, 20]) {
      for (const transport of ["REST", "TCP"]) {
        const ratio = at(`Spillway, ${transport}`, roundTrip) / at("BullMQ", roundTrip);
        add(`≥ 3 × BullMQ at ${roundTrip} ms, over ${transport}`, ratio >= 3, times(ratio));
      }
    }
    const commands = at(hundred, 20, "commands");
    add("≤ 0.10 Redis commands a message at batches of 100", commands <= 0.1, commands.toFixed(3));
    const commandsOf20 = at("Spillway, REST, batches of 20", 20, "commands");
    add("≤ 0.40 Redis commands a message at batches of 20", commandsOf20 <= 0.4, commandsOf20.toFixed(3));
  }
  if (first) {
    for (const roundTrip of [20, 80]) {
      const under = `10,000 messages, ${roundTrip} ms`;
      const ratio =
        value(first, "Spillway, REST", under) / value(first, "wire limit, REST, batches of 1,000", under);
      add(
        `≥ 0.8 of the wire limit from cold, 10,000 messages at ${roundTrip} ms`,
        ratio >= 0.8,
        times(ratio),
      );
      const requests = value(first, "Spillway, REST", under, "requests") * 10_000;
      add(`in at most 14 requests at ${roundTrip} ms`, requests <= 14, requests.toFixed(0));
    }
  }
  if (slots) {
    for (const transport of ["REST", "TCP"]) {
      const busy = value(slots, `Spillway, ${transport}`, "50 ms handler, 50 at once, 20 ms", "busy");
      add(`handler slots ≥ 95 % busy, over ${transport}`, busy >= 0.95, `${(busy * 100).toFixed(1)} %`);
    }
  }
  for (const { peer, figures } of wake ?? []) {
    const ms = figures.p50?.median as number;
    add(`woken within 100 ms and two round trips of 5 ms, p50 (${peer})`, ms <= 110, `${ms.toFixed(1)} ms`);
  }
  if (idle) {
    const commands = value(idle, "Spillway, REST", "ten idle minutes", "commands");
    add("one command an idle tick", commands === 10, `${commands} in ten ticks`);
  }
  for (const { peer, under, figures } of flow ?? []) {
    if (under === "in all") continue;
    const [requests, commands] = [figures.requests?.median as number, figures.commands?.median as number];
    const isMet = requests <= 1 && commands <= 4;
    add(
      `≤ 1 request and 4 commands more a batch (${peer})`,
      isMet,
      `${requests.toFixed(1)} and ${commands.toFixed(1)}`,
    );
  }
  if (stuck) {
    const most = stuck.at(-1)?.under as string;
    const slower = value(stuck, "Spillway, TCP", "0 stuck") / value(stuck, "Spillway, TCP", most);
    add(`settling flat (≤ 1.1 ×) from 0 to ${most}`, slower <= 1.1, times(slower));
  }
  if (million) {
    for (const { peer, figures } of million.filter(({ peer }) => peer.startsWith("Spillway"))) {
      const grown = figures.rssGrowthWarmMb?.median as number;
      add(
        `RSS grows ≤ 50 MB over a million messages, once warm (${peer})`,
        grown <= 50,
        `${grown.toFixed(0)} MB`,
      );
    }
  }
  if (chains) {
    const ratio =
      value(chains, "Spillway, TCP", "8 chains, 80 ms") / value(chains, "Spillway, TCP", "1 chain, 80 ms");
    add("8 chains ≥ 7 × one where the round trip is the bound", ratio >= 7, times(ratio));
  }
  if (fixed) {
    const bytes = value(fixed, "Spillway and upstash-fetch", "minified and gzipped, bytes", "bytes");
    add(
      "core with all features and Upstash client ≤ 66 KB gzipped",
      bytes <= 66 * 1024,
      `${(bytes / 1024).toFixed(1)} KB`,
    );
    const ms = value(fixed, "Spillway and @upstash/redis", "cold import", "ms");
    add("cold import ≤ 60 ms", ms <= 60, `${ms.toFixed(0)} ms`);
  }
  return goals;
}
