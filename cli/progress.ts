import type { DrainReport } from "../src/index.ts";

/** Shows a drain as it goes: one line that changes on a terminal, a line now and then elsewhere. */
export class Progress {
  #shownAt = Number.NEGATIVE_INFINITY;

  show(report: DrainReport): void {
    const text = `  claimed ${report.claimed}, acked ${report.acked}, retried ${report.retried}, ${Math.round(report.elapsedMs)} ms`;
    if (process.stdout.isTTY) process.stdout.write(`\r${text}`);
    else if (report.elapsedMs - this.#shownAt >= 50) {
      this.#shownAt = report.elapsedMs;
      console.log(text);
    }
  }

  end(): void {
    if (process.stdout.isTTY) process.stdout.write("\n");
  }
}

/** Prints a report, a line a field, errors by their message. */
export function printReport(report: DrainReport): void {
  console.log("Report");
  const failures = report.failures.map((one) => `${one.count} × ${one.name}: ${one.message}`).join("; ");
  for (const [name, value] of Object.entries({ ...report, failures: failures || "none" })) {
    const shown =
      value instanceof Error ? value.message : name === "elapsedMs" ? Math.round(report.elapsedMs) : value;
    console.log(`  ${name.padEnd(14)}${shown}`);
  }
}
