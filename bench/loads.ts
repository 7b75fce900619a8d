import { fileURLToPath } from "node:url";
import type { Latency, LatencyOrder } from "./children/latency.ts";
import type { WakeOrder } from "./children/wake.ts";
import { flowCosts } from "./flow.ts";
import { longestScripts } from "./longest.ts";
import type { PeerName } from "./peers/index.ts";
import { type Sample, sampleOf } from "./sample.ts";
import { bundleSizes } from "./sizes.ts";
import { ask, type RunOrder, type Stage, type StagedRun } from "./stage.ts";

interface Settings {
  readonly runs: number;
  /** Smaller counts, for a look at whether all of it works. */
  readonly isQuick: boolean;
  readonly say: (line: string) => void;
}

/** A row of a table: who, under what, and the figures. */
export interface Row {
  readonly peer: string;
  readonly under: string;
  readonly figures: Readonly<Record<string, Sample>>;
}

type Load = (stage: Stage, settings: Settings) => Promise<Row[]>;

interface Entrant {
  readonly peer: PeerName;
  readonly label?: string;
  readonly under: string;
  readonly roundTripMs: number;
  readonly order: Omit<RunOrder, "count">;
  /** Messages of a run; without it as many as take about two seconds. */
  readonly count?: number;
}

const plain = { payloadBytes: 1_024, concurrency: 10 };
const bullmqConcurrency = { payloadBytes: 1_024, concurrency: 50 };

/** Runs all entrants in rounds, so that what disturbs the machine disturbs all of them. */
async function compare(stage: Stage, { runs, isQuick, say }: Settings, entrants: Entrant[]): Promise<Row[]> {
  const counts = new Map<Entrant, number>();
  const measured = new Map<Entrant, StagedRun[]>(entrants.map((entrant) => [entrant, []]));
  for (const entrant of entrants) {
    counts.set(entrant, entrant.count ?? (await countOf(stage, entrant, isQuick ? 0.3 : 2)));
  }
  for (let round = 1; round <= runs; round++) {
    for (const entrant of entrants) {
      const { peer, label = peer, under, roundTripMs, order } = entrant;
      const one = await stage.run(peer, roundTripMs, { ...order, count: counts.get(entrant) as number });
      measured.get(entrant)?.push(one);
      say(`  ${round}/${runs}  ${label}, ${under}: ${Math.round(one.perSecond)} messages/s`);
    }
  }
  return entrants.map((entrant) => ({
    peer: entrant.label ?? entrant.peer,
    under: entrant.under,
    figures: figuresOf(measured.get(entrant) as StagedRun[]),
  }));
}

/** How many messages take the wanted time, by one or two runs that do not count: the second one corrects for the time of the start. */
async function countOf(
  stage: Stage,
  { peer, roundTripMs, order }: Entrant,
  seconds: number,
): Promise<number> {
  const isOneByOne = peer === "naive loop" || peer === "@upstash/queue";
  let count = isOneByOne ? 20 : order.payloadBytes > 10_000 ? 200 : 2_000;
  for (let tried = 0; tried < (isOneByOne ? 1 : 2); tried++) {
    const { perSecond } = await stage.run(peer, roundTripMs, { ...order, count });
    count = Math.min(200_000, Math.max(count, Math.round((perSecond * seconds) / 100) * 100));
  }
  return count;
}

function figuresOf(all: readonly StagedRun[]): Record<string, Sample> {
  const figures: Record<string, Sample> = {};
  for (const name of Object.keys(all[0] ?? {}) as (keyof StagedRun)[]) {
    const values = all.map((one) => one[name]).filter((value) => typeof value === "number");
    if (values.length > 0) figures[name] = sampleOf(values);
  }
  return figures;
}

const throughput: Load = async (stage, settings) => {
  const rows: Row[] = [];
  for (const roundTripMs of [0, 5, 20, 80]) {
    const under = `${roundTripMs} ms`;
    const at = { under, roundTripMs };
    rows.push(
      ...(await compare(stage, settings, [
        { ...at, peer: "naive loop", order: plain },
        { ...at, peer: "@upstash/queue", order: plain },
        { ...at, peer: "bee-queue", order: bullmqConcurrency },
        { ...at, peer: "BullMQ", order: bullmqConcurrency },
        { ...at, peer: "pipelined loop", order: { ...plain, batchSize: 100 } },
        {
          ...at,
          peer: "Spillway, REST",
          label: "Spillway, REST, batches of 100",
          order: { ...plain, batchSize: 100 },
        },
        {
          ...at,
          peer: "Spillway, REST",
          label: "Spillway, REST, batches of 20",
          order: { ...plain, batchSize: 20 },
        },
        {
          ...at,
          peer: "wire limit, REST",
          label: "wire limit, REST, batches of 100",
          order: { ...plain, batchSize: 100 },
        },
        { ...at, peer: "Spillway, REST", order: plain },
        {
          ...at,
          peer: "wire limit, REST",
          label: "wire limit, REST, batches of 1,000",
          order: { ...plain, batchSize: 1_000 },
        },
        { ...at, peer: "Spillway, TCP", order: plain },
        {
          ...at,
          peer: "wire limit, TCP",
          label: "wire limit, TCP, batches of 1,000",
          order: { ...plain, batchSize: 1_000 },
        },
      ])),
    );
  }
  return rows;
};

/** A cold process finds ten thousand messages: what its first, small batch costs. */
const first: Load = (stage, settings) =>
  compare(
    stage,
    settings,
    [20, 80].flatMap((roundTripMs): Entrant[] => {
      const at = { under: `10,000 messages, ${roundTripMs} ms`, roundTripMs, count: 10_000 };
      const label = "wire limit, REST, batches of 1,000";
      return [
        { ...at, peer: "Spillway, REST", order: plain },
        { ...at, peer: "wire limit, REST", label, order: { ...plain, batchSize: 1_000 } },
      ];
    }),
  );

const large: Load = (stage, settings) => {
  const at = { under: "64 KB, 20 ms", roundTripMs: 20 };
  const order = { payloadBytes: 65_536, concurrency: 10 };
  return compare(stage, settings, [
    { ...at, peer: "BullMQ", order: { ...order, concurrency: 50 } },
    { ...at, peer: "pipelined loop", order: { ...order, batchSize: 16 } },
    { ...at, peer: "Spillway, REST", order },
    { ...at, peer: "Spillway, TCP", order },
    {
      ...at,
      peer: "wire limit, REST",
      label: "wire limit, REST, batches of 16",
      order: { ...order, batchSize: 16 },
    },
  ]);
};

const slots: Load = (stage, settings) => {
  const at = {
    under: "50 ms handler, 50 at once, 20 ms",
    roundTripMs: 20,
    count: settings.isQuick ? 1_000 : 6_000,
  };
  const order = { payloadBytes: 1_024, concurrency: 50, handlerMs: 50 };
  return compare(stage, settings, [
    { ...at, peer: "pipelined loop", order: { ...order, batchSize: 100 } },
    { ...at, peer: "BullMQ", order },
    { ...at, peer: "Spillway, REST", order },
    { ...at, peer: "Spillway, TCP", order },
  ]);
};

const chains: Load = async (stage, settings) => {
  const entrants = [1, 2, 4, 8].map((count): Entrant => {
    // The round trip is to be the bound, and not the two cores that all of this shares.
    const order = { payloadBytes: 100, concurrency: 10, batchSize: 100, chains: count };
    return {
      peer: "Spillway, TCP",
      under: `${count} ${count === 1 ? "chain" : "chains"}, 80 ms`,
      roundTripMs: 80,
      order,
      // As much for each, so that each has the same share of its time for its start.
      count: (settings.isQuick ? 500 : 2_500) * count,
    };
  });
  return compare(stage, settings, entrants);
};

const million: Load = (stage, settings) => {
  const at = { under: "1,000,000 messages", roundTripMs: 0, count: settings.isQuick ? 50_000 : 1_000_000 };
  return compare(stage, { ...settings, runs: 1 }, [
    { ...at, peer: "Spillway, REST", order: plain },
    { ...at, peer: "Spillway, TCP", order: plain },
    // For comparison: it keeps nothing, so its growth is that of V8's heap.
    { ...at, peer: "wire limit, TCP", order: { ...plain, batchSize: 1_000 } },
  ]);
};

const stuck: Load = (stage, settings) => {
  const counts = settings.isQuick ? [0, 10_000] : [0, 10_000, 100_000, 1_000_000];
  const entrants = counts.flatMap((stuckCount): Entrant[] => {
    const at = { under: `${stuckCount.toLocaleString("en")} stuck`, roundTripMs: 0 };
    const order = { payloadBytes: 100, concurrency: 10, batchSize: 100, stuckCount };
    return [
      // Another drain holds what is stuck, in the second slot.
      { ...at, peer: "Spillway, TCP", order: { ...order, slots: 2 }, count: 60_000 },
      { ...at, peer: "pipelined loop", order, count: 20_000 },
      { ...at, peer: "pipelined loop, LREM −1", order, count: stuckCount > 100_000 ? 300 : 2_000 },
    ];
  });
  return compare(stage, settings, entrants);
};

const failures: Load = async (stage, settings) => {
  const entrants = [0, 100, 10].flatMap((failsEvery): Entrant[] => {
    const share = failsEvery === 0 ? "no failures" : `${100 / failsEvery} % fail once`;
    const at = { under: `${share}, 5 ms`, roundTripMs: 5, count: settings.isQuick ? 2_000 : 10_000 };
    return [
      { ...at, peer: "BullMQ", order: { ...bullmqConcurrency, failsEvery } },
      { ...at, peer: "Spillway, REST", order: { ...plain, batchSize: 100, failsEvery } },
      { ...at, peer: "Spillway, TCP", order: { ...plain, batchSize: 100, failsEvery } },
    ];
  });
  return compare(stage, settings, entrants);
};

const latency: Load = async (stage, { isQuick, runs, say }) => {
  const names: LatencyOrder["peer"][] = ["BullMQ", "Spillway, REST", "Spillway, TCP"];
  const all = new Map<string, Latency[]>(names.map((name) => [name, []]));
  for (let round = 0; round < runs; round++) {
    for (const peer of names) {
      const place = await stage.place(peer === "Spillway, REST" ? "rest" : "tcp", 5);
      const order: LatencyOrder = { peer, place, perSecond: 200, seconds: isQuick ? 2 : 8 };
      const one = await ask<Latency>("latency.ts", [JSON.stringify(order)]);
      all.get(peer)?.push(one);
      say(`  ${peer}: p50 ${one.p50.toFixed(1)} ms, p99 ${one.p99.toFixed(1)} ms`);
    }
  }
  return names.map((peer) => {
    const ones = all.get(peer) as Latency[];
    const figures = { p50: sampleOf(ones.map(({ p50 }) => p50)), p99: sampleOf(ones.map(({ p99 }) => p99)) };
    return { peer, under: "200 messages/s, 5 ms", figures };
  });
};

/** From a push to an empty list until its message is handled, where that push starts the drain. */
const wake: Load = async (stage, { isQuick, runs, say }) => {
  const hosts: WakeOrder["host"][] = [
    "startWorker, TCP",
    "startServer, /wake",
    "workerd, /wake",
    "Lambda, /wake",
  ];
  const all = new Map<string, Latency[]>(hosts.map((host) => [host, []]));
  for (let round = 0; round < runs; round++) {
    for (const host of hosts) {
      const place = await stage.place(host === "startWorker, TCP" ? "tcp" : "rest", 5);
      const order: WakeOrder = { host, place, count: isQuick ? 5 : 100 };
      const one = await ask<Latency>("wake.ts", [JSON.stringify(order)]);
      all.get(host)?.push(one);
      say(`  ${host}: p50 ${one.p50.toFixed(1)} ms, p99 ${one.p99.toFixed(1)} ms`);
    }
  }
  return hosts.map((host) => {
    const ones = all.get(host) as Latency[];
    const figures = { p50: sampleOf(ones.map(({ p50 }) => p50)), p99: sampleOf(ones.map(({ p99 }) => p99)) };
    return { peer: host, under: "an empty list, 5 ms", figures };
  });
};

const idle: Load = async (stage, { say }) => {
  const rows: Row[] = [];
  for (const peer of ["Spillway, REST", "BullMQ"] as const) {
    const place = await stage.place(peer === "BullMQ" ? "tcp" : "rest", 0);
    const { commands } = await ask<{ commands: number }>("idle.ts", [peer, JSON.stringify(place)]);
    say(`  ${peer}: ${commands} commands in ten minutes`);
    rows.push({ peer, under: "ten idle minutes", figures: { commands: sampleOf([commands]) } });
  }
  return rows;
};

/** What order, limits and effects cost a batch: counts, which are the same on any machine. */
const flow: Load = async (_, { say }) =>
  (await flowCosts()).map(({ name, beside, requests, commands }) => {
    say(`  ${name}: ${requests} requests and ${commands} commands a batch`);
    const under = name === beside ? "in all" : `more than with ${beside}`;
    return {
      peer: name,
      under,
      figures: { requests: sampleOf([requests]), commands: sampleOf([commands]) },
    };
  });

const fixed: Load = async (_, { say, isQuick }) => {
  const rows: Row[] = [];
  for (const [peer, bytes] of await bundleSizes()) {
    say(`  ${peer}: ${bytes} bytes gzipped`);
    rows.push({ peer, under: "minified and gzipped, bytes", figures: { bytes: sampleOf([bytes]) } });
  }
  const dist = (name: string): string => fileURLToPath(new URL(`../dist/${name}.js`, import.meta.url));
  const imports = {
    "Spillway and upstash-fetch": [dist("index"), dist("upstash-fetch")],
    "Spillway and @upstash/redis": [dist("index"), dist("upstash")],
    "@upstash/queue": ["@upstash/queue"],
    BullMQ: ["bullmq"],
    "bee-queue": ["bee-queue"],
  };
  for (const [peer, specifiers] of Object.entries(imports)) {
    const times: number[] = [];
    for (let count = 0; count < (isQuick ? 3 : 15); count++) {
      times.push((await ask<{ ms: number }>("import.ts", specifiers)).ms);
    }
    say(`  ${peer}: cold import ${sampleOf(times).median.toFixed(1)} ms`);
    rows.push({ peer, under: "cold import", figures: { ms: sampleOf(times) } });
  }
  return rows;
};

/** Where the time of a message goes over REST without delay, where no round trip hides it. */
const profile: Load = async (stage, { isQuick, say }) => {
  const count = isQuick ? 20_000 : 200_000;
  const rows: Row[] = [];
  for (const peer of ["Spillway, REST", "wire limit, REST"] as const) {
    const order = { ...plain, count, ...(peer === "wire limit, REST" ? { batchSize: 1_000 } : {}) };
    const bare = await stage.run(peer, 0, order);
    const { spent = [], restSpent = [] } = await stage.run(peer, 0, { ...order, isProfiled: true });
    const us = {
      wall: (bare.ms / count) * 1_000,
      client: bare.clientCpuUs,
      rest: bare.restCpuUs ?? 0,
      redis: bare.redisCpuUs,
    };
    const figures = Object.fromEntries(Object.entries(us).map(([name, value]) => [name, sampleOf([value])]));
    rows.push({ peer, under: "µs a message", figures });
    say(
      `  ${peer}: ${Object.entries(us)
        .map(([name, value]) => `${name} ${value.toFixed(1)} µs`)
        .join(", ")}`,
    );
    for (const [process, all] of [
      ["client", spent],
      ["REST server", restSpent],
    ] as const) {
      const busy = all.filter(({ where }) => where !== "(idle)").slice(0, 8);
      for (const { where, ms } of busy) {
        rows.push({
          peer: `${peer}: ${process}`,
          under: where,
          figures: { us: sampleOf([(ms * 1_000) / count]) },
        });
      }
    }
  }
  return rows;
};

/** How long Redis is blocked at most, by the size of what is there. */
const longest: Load = async (stage, { isQuick, say }) => {
  const rows: Row[] = [];
  await longestScripts(stage.redisUrl, isQuick, (under, peer, us, count) => {
    say(`  ${under}, ${peer}: ${us} µs of ${count} scripts`);
    rows.push({ peer, under, figures: { us: sampleOf([us]), count: sampleOf([count]) } });
  });
  return rows;
};

/** Every load, by the name that `--only` takes. */
export const loads = {
  throughput,
  first,
  large,
  slots,
  chains,
  million,
  stuck,
  failures,
  latency,
  wake,
  idle,
  flow,
  fixed,
  profile,
  longest,
};
export type LoadName = keyof typeof loads;
