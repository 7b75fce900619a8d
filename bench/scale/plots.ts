import { frame, svgOf } from "../report/plots.ts";
import type { Ramp } from "./tables.ts";

/** Live drains over time, a line for each handler; both axes by powers. */
export function rampPlot(ramps: readonly Ramp[]): Promise<string> {
  const values = ramps.flatMap(({ name, course }) =>
    course.ramp
      .filter(({ live }) => live > 0)
      .map(({ atMs, live }) => ({ handler: name, seconds: atMs / 1_000, live })),
  );
  return svgOf({
    ...frame,
    data: { values },
    mark: { type: "line", interpolate: "step-after", point: true },
    encoding: {
      x: {
        field: "seconds",
        type: "quantitative",
        scale: { type: "log" },
        title: "seconds since the tick",
      },
      y: { field: "live", type: "quantitative", scale: { type: "log", base: 2 }, title: "live drains" },
      color: { field: "handler", title: "handler", sort: null },
    },
  });
}

export interface EmptyPoint {
  readonly handler: string;
  readonly by: string;
  readonly messages: number;
  readonly seconds: number;
}

/** Time to empty over the size of the burst, both by powers. */
export function emptyPlot(values: readonly EmptyPoint[]): Promise<string> {
  return svgOf({
    ...frame,
    data: { values: [...values] },
    mark: { type: "line", point: true },
    encoding: {
      x: { field: "messages", type: "quantitative", scale: { type: "log" }, title: "messages in the burst" },
      y: {
        field: "seconds",
        type: "quantitative",
        scale: { type: "log" },
        title: "seconds until all are handled",
      },
      color: { field: "handler", title: "handler", sort: null },
      strokeDash: { field: "by", title: null, sort: null },
    },
  });
}
