import { memory } from "../adapters/local/memory.ts";
import { systemClock } from "../src/clock.ts";
import { ack, createDrain, type DrainOptions, forward } from "../src/index.ts";

const list = "flow";
const batchSize = 100;
const batchCount = 50;
/** More than a batch has messages, so that no two messages of a batch share a key. */
const keyCount = 1_000;

/** How much more a batch costs than that of the drain in `beside`. */
export interface FlowCost {
  readonly name: string;
  /** The drain that it is held against. */
  readonly beside: string;
  readonly requests: number;
  readonly commands: number;
}

interface Flow {
  readonly options?: object;
  readonly limit?: object;
  /** Default: the first, which uses nothing. */
  readonly beside?: string;
  /** Commands of the user's own in each batch, which do not count. */
  readonly own?: number;
}

const byKey = { order: { byKey: "key" } };
const rate = { messages: 1_000_000, windowMs: 3_600_000 };
const nothing = "nothing of it";
const keys = "order by key";

/** What there is for flow control, each by itself, or beside what it needs. */
const flows: Readonly<Record<string, Flow>> = {
  [nothing]: {},
  'order: "strict"': { options: { order: "strict" } },
  [keys]: { options: byKey },
  "a limit": { limit: rate },
  "a limit, by key": { options: byKey, limit: rate, beside: keys },
  "a limit per key": { options: byKey, limit: { perKey: rate }, beside: keys },
  "the same, and so many in flight": {
    options: byKey,
    limit: { perKey: { ...rate, inFlight: 10 } },
    beside: keys,
  },
  "a forward of each message": { options: { handler: () => forward(`{${list}}:next`, "onward") } },
  "a counter of each message": {
    options: { handler: () => ack({ effects: [["INCRBY", `{${list}}:sent`, 1]] }) },
    own: batchSize,
  },
};

/**
 * Drains batches of quick messages by each, and counts, on the embedded store: it runs the same scripts, and no clock goes on, so
 * it is the same on any machine. What a run costs once (its look, its last settle) is taken off by a second, shorter one.
 */
export async function flowCosts(): Promise<FlowCost[]> {
  const costs = new Map<string, Omit<FlowCost, "name" | "beside">>();
  for (const [name, flow] of Object.entries(flows)) {
    const [few, many] = [await drained(flow, 10), await drained(flow, 10 + batchCount)];
    const each = (figure: "requests" | "commands"): number => (many[figure] - few[figure]) / batchCount;
    costs.set(name, { requests: each("requests"), commands: each("commands") - (flow.own ?? 0) });
  }
  return Object.entries(flows).map(([name, { beside = nothing }]) => {
    const [cost, other] = [costs.get(name), costs.get(beside)] as [FlowCost, FlowCost];
    if (name === beside) return { ...cost, name, beside };
    return {
      name,
      beside,
      requests: cost.requests - other.requests,
      commands: cost.commands - other.commands,
    };
  });
}

async function drained({ options, limit }: Flow, batches: number) {
  const drain = createDrain({
    redis: memory({ now: () => 1_000_000_000_000 }),
    list,
    batchSize,
    clock: { ...systemClock, now: () => 0 },
    handler: () => undefined,
    ...options,
  } as DrainOptions);
  if (limit) await drain.limits.set(limit);
  const count = batches * batchSize;
  await drain.push(Array.from({ length: count }, (_, at) => ({ key: at % keyCount, at })));
  const { requests, commands, acked, error } = await drain.run();
  if (acked !== count) throw new Error(`${acked} of ${count} messages were acknowledged: ${error}`);
  return { requests, commands };
}

/** Those that use something, whose cost is bounded. */
export function isUse({ name, beside }: FlowCost): boolean {
  return name !== beside;
}
