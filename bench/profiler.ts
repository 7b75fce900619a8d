import { Session } from "node:inspector/promises";

/** Time that one function took itself, what it called left out. */
export interface Spent {
  readonly where: string;
  readonly ms: number;
}

const samplingUs = 200;

/** Profiles this process from now on; the returned function ends it and says where its time went, the most first. */
export async function startProfile(): Promise<() => Promise<Spent[]>> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: samplingUs });
  await session.post("Profiler.start");
  return async () => {
    const { profile } = await session.post("Profiler.stop");
    session.disconnect();
    const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
    const spent = new Map<string, number>();
    for (const [at, id] of (profile.samples ?? []).entries()) {
      const where = names.get(id) ?? "";
      spent.set(where, (spent.get(where) ?? 0) + (profile.timeDeltas?.[at] ?? 0) / 1_000);
    }
    return [...spent].map(([where, ms]) => ({ where, ms })).sort((a, b) => b.ms - a.ms);
  };
}

/** `encode (node:internal/encoding)`, `decode (adapters/redis/upstash-protocol.ts)`; Node's native parts have no file. */
function nameOf({ functionName, url }: { functionName: string; url: string }): string {
  const file = url
    .replace(/^file:.*\/(node_modules|adapters|src|bench)\//, "$1/")
    .replace(/^node_modules\//, "");
  const name = functionName || "(anonymous)";
  return file ? `${name} (${file})` : name;
}
