import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import type { Row } from "../loads.ts";

/** Messages a second over the added round trip, a line for each peer, both axes by powers. */
export function throughputPlot(rows: readonly Row[]): Promise<string> {
  const values = rows.map(({ peer, under, figures }) => ({
    peer,
    // A logarithm has no zero.
    roundTripMs: Math.max(1, Number.parseInt(under, 10)),
    perSecond: figures.perSecond?.median,
    least: figures.perSecond?.min,
    most: figures.perSecond?.max,
  }));
  const x = {
    field: "roundTripMs",
    type: "quantitative" as const,
    scale: { type: "log" as const },
    axis: { title: "added round trip, ms (0 drawn at 1)", values: [1, 5, 20, 80] },
  };
  const scale = { type: "log" as const };
  return svgOf({
    ...frame,
    data: { values },
    encoding: { x, color: { field: "peer", title: null, sort: null } },
    layer: [
      {
        mark: { type: "line", point: true },
        encoding: { y: { field: "perSecond", type: "quantitative", scale, title: "messages a second" } },
      },
      {
        mark: { type: "rule", opacity: 0.5 },
        encoding: { y: { field: "least", type: "quantitative", scale }, y2: { field: "most" } },
      },
    ],
  });
}

/** Messages a second over what is stuck. */
export function stuckPlot(rows: readonly Row[]): Promise<string> {
  const values = rows.map(({ peer, under, figures }) => ({
    peer,
    // A logarithm has no zero.
    stuck: Math.max(1, Number.parseInt(under.replaceAll(",", ""), 10)),
    perSecond: figures.perSecond?.median,
  }));
  return svgOf({
    ...frame,
    data: { values },
    mark: { type: "line", point: true },
    encoding: {
      x: {
        field: "stuck",
        type: "quantitative",
        scale: { type: "log" },
        title: "stuck messages (0 drawn at 1)",
      },
      y: { field: "perSecond", type: "quantitative", scale: { type: "log" }, title: "messages a second" },
      color: { field: "peer", title: null, sort: null },
    },
  });
}

/** Messages a second over the number of chains. */
export function chainsPlot(rows: readonly Row[]): Promise<string> {
  const values = rows.map(({ under, figures }) => ({
    chains: Number.parseInt(under, 10),
    perSecond: figures.perSecond?.median,
  }));
  return svgOf({
    ...frame,
    data: { values },
    mark: { type: "line", point: true },
    encoding: {
      x: { field: "chains", type: "quantitative", axis: { values: [1, 2, 4, 8] } },
      y: { field: "perSecond", type: "quantitative", title: "messages a second" },
    },
  });
}

export const frame = {
  width: 640,
  height: 360,
  background: "white",
  // As many colours as there are peers, and their names whole.
  config: { font: "sans-serif", legend: { labelLimit: 0 }, range: { category: { scheme: "tableau20" } } },
} as const;

export function svgOf(spec: TopLevelSpec): Promise<string> {
  return new View(parse(compile(spec).spec), { renderer: "none" }).toSVG();
}
