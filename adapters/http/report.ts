import type { DrainReport } from "../../src/index.ts";

/** A report as an answer: the error by its name and message, without stack or cause. */
export function reportAsJson(report: DrainReport): object {
  const { error } = report;
  return { ...report, error: error && { name: error.name, message: error.message } };
}
