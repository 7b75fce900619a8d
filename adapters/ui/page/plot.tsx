import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { showChange, showCount } from "./format.ts";
import { type Line, lines } from "./live.ts";
import { useSession, useSight } from "./session.ts";

/** A line is told by its colour, and by its dashes. */
const drawn: Readonly<Record<Line, { name: string; dash: number[] }>> = {
  list: { name: "Backlog", dash: [] },
  working: { name: "In flight", dash: [8, 3] },
  delayed: { name: "Delayed", dash: [2, 3] },
  parked: { name: "Parked", dash: [8, 3, 2, 3] },
  dead: { name: "Dead", dash: [14, 4] },
};
const height = 190;
const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

/** How a list's figures have moved since the page was opened. */
export function Plot({ list }: { list: string }) {
  const { live } = useSession();
  const { at } = useSight();
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [hidden, setHidden] = useState<ReadonlySet<Line>>(new Set());
  const past = live.pastOf(list);
  // A figure that has been 0 all the time is not worth its line.
  const drawnOf = (values: number[]) => (values.some((value) => value > 0) ? values : values.map(() => null));
  const data = (): uPlot.AlignedData => [past.times, ...lines.map((line) => drawnOf(past[line]))];

  useEffect(() => {
    const element = place.current as HTMLDivElement;
    const make = (): void => {
      plot.current?.destroy();
      plot.current = new uPlot(optionsFor(element, hidden), data(), element);
    };
    make();
    const sized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }));
    sized.observe(element);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", make);
    addEventListener("themechange", make);
    return () => {
      sized.disconnect();
      scheme.removeEventListener("change", make);
      removeEventListener("themechange", make);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [list, hidden]);

  useEffect(() => plot.current?.setData(data()), [at]);

  const toggle = (line: Line): void => {
    const next = new Set(hidden);
    if (!next.delete(line)) next.add(line);
    setHidden(next);
  };
  const summary = lines.map((line) => {
    const change = live.changeOf(list, line);
    const moves = change === null ? "" : `, ${showChange(change)}`;
    return `${drawn[line].name} ${showCount(past[line].at(-1) ?? 0)}${moves}`;
  });
  return (
    <section class="plot" aria-label="Over time">
      <div class="legend">
        {lines.map((line) => (
          <button
            key={line}
            type="button"
            aria-pressed={!hidden.has(line)}
            class={`line-${line}`}
            onClick={() => toggle(line)}
          >
            <svg viewBox="0 0 28 4" aria-hidden="true">
              <path d="M0 2h28" stroke-dasharray={drawn[line].dash.join(" ")} />
            </svg>
            {drawn[line].name}
          </button>
        ))}
        <span class="quiet">since this page was opened</span>
      </div>
      <div ref={place} class="canvas" role="img" aria-label={`Now: ${summary.join("; ")}.`} />
    </section>
  );
}

function optionsFor(element: HTMLElement, hidden: ReadonlySet<Line>): uPlot.Options {
  const colour = (name: string): string => {
    const probe = element.appendChild(document.createElement("span"));
    probe.className = `colour-${name}`;
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };
  const axis = {
    stroke: colour("quiet"),
    grid: { stroke: colour("grid"), width: 1 },
    ticks: { show: false },
  };
  const font = "11px system-ui, sans-serif";
  return {
    width: element.clientWidth,
    height,
    legend: { show: false },
    cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
    padding: [8, 8, 0, 0],
    scales: {
      // At least half a minute, so that the first samples are not stretched over it all.
      x: { range: (_, min, max) => (max === null ? [0, 1] : [Math.min(min, max - 30), max]) },
      y: { range: (_, __, max) => [0, Math.max(5, (max || 0) * 1.1)] },
    },
    axes: [
      {
        ...axis,
        font,
        space: 90,
        size: 28,
        values: (_, times) => times.map((time) => clock.format(time * 1_000)),
      },
      {
        ...axis,
        font,
        size: 52,
        values: (_, values) => values.map((value) => (value % 1 ? "" : showCount(value))),
      },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        show: !hidden.has(line),
        stroke: colour(line),
        width: line === "list" ? 2 : 1.5,
        dash: drawn[line].dash,
        points: { show: false },
      })),
    ],
  };
}
