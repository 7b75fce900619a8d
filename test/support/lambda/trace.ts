import { randomBytes } from "node:crypto";

/** Where an invocation stands in its chain, as the trace header tells it from one to the next. */
export interface Trace {
  readonly root: string;
  /** Names the chain. */
  readonly hash: string;
  /** Invocations in this chain so far, this one included. */
  readonly count: number;
}

/** Invocations of one chain that run; the next is stopped (AWS: "approximately 16"). */
export const chainCountMax = 16;

const hex = (bytes: number): string => randomBytes(bytes).toString("hex");

/** One further than the header says; a chain of its own where it says nothing of a lineage. */
export function nextTrace(header: string | undefined): Trace {
  const root = /Root=(1-[0-9a-f]{8}-[0-9a-f]{24})/.exec(header ?? "")?.[1];
  const lineage = /Lineage=(\d+):([0-9a-f]+):\d+/.exec(header ?? "");
  return {
    root: root ?? `1-${Math.floor(Date.now() / 1000).toString(16)}-${hex(12)}`,
    hash: lineage?.[2] ?? hex(4),
    count: Number(lineage?.[1] ?? 0) + 1,
  };
}

export function traceHeader(trace: Trace): string {
  return `Root=${trace.root};Parent=${hex(8)};Sampled=0;Lineage=${trace.count}:${trace.hash}:0`;
}
