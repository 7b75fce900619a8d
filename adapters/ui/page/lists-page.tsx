import { useState } from "preact/hooks";
import type { ListState } from "./api.ts";
import { showChange, showCount } from "./format.ts";
import { StateChip } from "./list-state.tsx";
import { hrefOf } from "./route.ts";
import { useSession, useSight } from "./session.ts";
import { ShortText } from "./shown-text.tsx";

const columns = [
  { name: "list", head: "Backlog", of: ({ stats }: ListState) => stats.list },
  { name: "working", head: "In flight", of: ({ stats }: ListState) => stats.working },
  { name: "delayed", head: "Delayed", of: ({ stats }: ListState) => stats.delayed, isWide: true },
  { name: "parked", head: "Parked", of: ({ stats }: ListState) => stats.parked, isWide: true },
  { name: "dead", head: "Dead", of: ({ stats }: ListState) => stats.dead },
] as const;
type Column = "name" | (typeof columns)[number]["name"];

/** From how many lists on they can be searched by their names. */
const searchedFrom = 8;

/** All lists, and how each stands. */
export function ListsPage() {
  const { lists, leftOut, at } = useSight();
  const [search, setSearch] = useState("");
  const [sortedBy, setSortedBy] = useState<Column>("name");
  const wanted = search.trim().toLowerCase();
  const found = lists.filter(({ list }) => list.toLowerCase().includes(wanted));
  const column = columns.find(({ name }) => name === sortedBy);
  const shown = column
    ? found.toSorted((left, right) => column.of(right) - column.of(left))
    : found.toSorted((left, right) => left.list.localeCompare(right.list));
  return (
    <>
      <div class="head">
        <h1 tabIndex={-1}>Lists</h1>
        {lists.length >= searchedFrom && (
          <input
            type="search"
            aria-label="Search lists by name"
            placeholder="Search by name"
            value={search}
            onInput={(event) => setSearch(event.currentTarget.value)}
          />
        )}
      </div>
      {at === null ? (
        <p class="empty">Reading the lists…</p>
      ) : lists.length === 0 ? (
        <div class="empty">
          <h2>No list yet</h2>
          <p>
            Push a first message, and its list appears here: <code>spillway push --list emails "hello"</code>
          </p>
        </div>
      ) : (
        <div class="table">
          <table class="lists">
            <caption class="sr-only">Lists and how they stand; it is kept up to date</caption>
            <thead>
              <tr>
                <Head name="name" head="List" sortedBy={sortedBy} onSort={setSortedBy} />
                {columns.map((one) => (
                  <Head key={one.name} {...one} isCount sortedBy={sortedBy} onSort={setSortedBy} />
                ))}
                <th scope="col" class="count wide-only">
                  Trend
                </th>
                <th scope="col" class="count wide-only">
                  <span class="sr-only">Backlog over time</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map((one) => (
                <Row key={one.list} state={one} />
              ))}
            </tbody>
          </table>
          {shown.length === 0 && <p class="empty">No list has this in its name.</p>}
        </div>
      )}
      {leftOut > 0 && <Others count={leftOut} />}
    </>
  );
}

/** Lists that are too many to be shown: each can be opened by its name. */
function Others({ count }: { count: number }) {
  const [name, setName] = useState("");
  const open = (event: Event): void => {
    event.preventDefault();
    if (name !== "") location.hash = hrefOf(name);
  };
  return (
    <form class="others" onSubmit={open}>
      <label>
        {showCount(count)} more {count === 1 ? "list is" : "lists are"} not shown. Open one by its name{" "}
        <input value={name} onInput={(event) => setName(event.currentTarget.value)} />
      </label>{" "}
      <button type="submit">Open</button>
    </form>
  );
}

function Head({
  name,
  head,
  isCount = false,
  isWide = false,
  sortedBy,
  onSort,
}: {
  name: Column;
  head: string;
  isCount?: boolean;
  isWide?: boolean;
  sortedBy: Column;
  onSort: (name: Column) => void;
}) {
  const isSorted = name === sortedBy;
  const direction = isCount ? "descending" : "ascending";
  return (
    <th
      scope="col"
      class={`${isCount ? "count" : ""} ${isWide ? "wide-only" : ""}`}
      aria-sort={isSorted ? direction : undefined}
    >
      <button type="button" onClick={() => onSort(name)}>
        {head}
        <span aria-hidden="true">{isSorted ? (isCount ? " ↓" : " ↑") : ""}</span>
      </button>
    </th>
  );
}

function Row({ state }: { state: ListState }) {
  const { live } = useSession();
  const { list, stats } = state;
  const change = live.changeOf(list, "list");
  return (
    <tr>
      <th scope="row">
        <a href={hrefOf(list)}>
          <ShortText text={list} max={80} />
        </a>{" "}
        <StateChip stats={stats} />
      </th>
      {columns.map((one) => {
        const count = one.of(state);
        const isZero = count === 0 ? "zero" : one.name === "dead" ? "alarming" : "";
        return (
          <td key={one.name} class={`count ${"isWide" in one ? "wide-only" : ""} ${isZero}`}>
            {showCount(count)}
          </td>
        );
      })}
      <td class="count quiet nowrap wide-only">{change === null ? "–" : showChange(change)}</td>
      <td class="wide-only">
        <Spark values={live.pastOf(list).list} />
      </td>
    </tr>
  );
}

/** How the backlog has moved in the last minutes: for the eye alone, the trend beside it says it in words. */
function Spark({ values }: { values: readonly number[] }) {
  const shown = values.slice(-120);
  const max = Math.max(1, ...shown);
  const step = 110 / Math.max(1, shown.length - 1);
  const points = shown.map(
    (value, at) => `${(at * step).toFixed(1)},${(20 - (value / max) * 18).toFixed(1)}`,
  );
  return (
    <svg class="spark" viewBox="0 0 110 22" aria-hidden="true">
      {shown.length > 1 && <polyline points={points.join(" ")} />}
    </svg>
  );
}
