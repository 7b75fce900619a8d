import type { ChainPosition, DrainReport, ListsReport } from "../../src/index.ts";
import { logError } from "./failure.ts";

/** Where a drain has run that a report is about. */
export interface ReportPlace {
  readonly list: string;
  readonly chain?: ChainPosition | undefined;
}

/** A report as an answer: the error by its name and message, without stack or cause. */
export function reportAsJson(report: DrainReport & Partial<ListsReport>): object {
  const { error, lists } = report;
  return {
    ...report,
    error: error && { name: error.name, message: error.message },
    ...(lists && {
      lists: Object.fromEntries(Object.entries(lists).map(([list, own]) => [list, reportAsJson(own)])),
    }),
  };
}

/** One line of JSON, its failures in it; null for a tick that found nothing, which is worth no line. */
export function reportLine(report: DrainReport, place: ReportPlace): string | null {
  const didNothing = report.claimed + report.recovered + report.deadLettered === 0;
  if (didNothing && report.stopped !== "budget" && !report.error && !report.declined) return null;
  return JSON.stringify({ spillway: { ...place, ...reportAsJson(report) } });
}

/** Writes the line where people look. It is what hosts do that are given no `onReport`. */
export function logReport(report: DrainReport, place: ReportPlace): void {
  const line = reportLine(report, place);
  if (line === null) return;
  if (report.error) console.error(line);
  else console.log(line);
}

/** Calls what is to be told a report. The drain has run: an error of the hook's must not have anyone call again. */
export function tellReport(tell: () => unknown): void {
  new Promise((resolve) => resolve(tell())).catch((error: unknown) => logError("onReport threw.", error));
}
