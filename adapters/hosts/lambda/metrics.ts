import type { ChainPosition, DrainReport } from "../../../src/index.ts";
import { figuresOf } from "../../http/figures.ts";
import { listDimension } from "./list-dimension.ts";

/**
 * One invocation as a line of CloudWatch's embedded metric format: written to Lambda's log, it becomes metrics and a searchable
 * record. Source: CloudWatch User Guide, "Embedded metric format specification".
 */
export function metricsLine(
  report: DrainReport,
  about: {
    readonly namespace: string;
    readonly list: string;
    readonly chain: ChainPosition;
    readonly at: number;
  },
): string {
  const values = figuresOf(report);
  const dimension = listDimension(about.list);
  const metrics = Object.keys(values).map((name) => ({
    Name: name,
    Unit: name.endsWith("Ms") ? "Milliseconds" : "Count",
  }));
  return JSON.stringify({
    _aws: {
      Timestamp: about.at,
      CloudWatchMetrics: [{ Namespace: about.namespace, Dimensions: [["List"]], Metrics: metrics }],
    },
    List: dimension,
    ...(dimension !== about.list && { listName: about.list }),
    ...values,
    chainId: about.chain.id,
    hop: about.chain.hop,
    stopped: report.stopped,
    continuedWith: report.continuedWith,
    declined: report.declined,
    nextDueAt: report.nextDueAt,
    failures: report.failures,
    error: report.error && `${report.error.name}: ${report.error.message}`,
  });
}
