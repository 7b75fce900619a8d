import type { HostedDrain } from "../../src/index.ts";
import { checkOptions, either, func, object, required } from "../../src/internals.ts";

/** What a host is given: a drain, or a function that makes one when it is first needed. */
export type GivenDrain = HostedDrain | (() => HostedDrain | Promise<HostedDrain>);

const made = required(object<HostedDrain>({ methods: ["run"], wanted: "a drain, as createDrain makes it" }));
const given = required(either(made, func<() => HostedDrain>()));

/** Throws `OptionError` for what is no drain. */
export function checkDrain(drain: unknown): HostedDrain {
  return checkOptions({ drain: made }, { drain }).drain;
}

/**
 * Throws `OptionError` for what is no drain and no function. The function it returns gives the drain, made once, and throws
 * what making it threw, or `OptionError` where no drain was made, or an error where that took longer than `timeoutMs`; then the
 * next call makes it again.
 */
export function drainOpener(drain: GivenDrain, timeoutMs: number): () => Promise<HostedDrain> {
  checkOptions({ drain: given }, { drain });
  return once(async () => checkDrain(typeof drain === "function" ? await inTime(drain(), timeoutMs) : drain));
}

async function inTime<Value>(awaited: Value, ms: number): Promise<Awaited<Value>> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(reject, ms, new Error(`No drain came within ${ms} ms.`));
  });
  return Promise.race([awaited, late]).finally(() => clearTimeout(timer));
}

/** Calls it once and keeps what it gave; after a failure it is called again by the next who asks. */
export function once<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let kept: Promise<Value> | undefined;
  return () => {
    kept ??= make().catch((error: unknown) => {
      kept = undefined;
      throw error;
    });
    return kept;
  };
}
