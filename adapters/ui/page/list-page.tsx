import { useEffect } from "preact/hooks";
import { Controls } from "./controls.tsx";
import { DeadLetters } from "./dead-letters.tsx";
import { Figures } from "./figures.tsx";
import { showCompact } from "./format.ts";
import { Icon } from "./icons.tsx";
import { Leases } from "./leases.tsx";
import { StateChip } from "./list-state.tsx";
import { Messages } from "./messages.tsx";
import { Plot } from "./plot.tsx";
import { hrefOf, type View, views, wellFormed } from "./route.ts";
import { useSession, useSight } from "./session.ts";
import { ShortText } from "./shown-text.tsx";

/** One list: its figures, now and over time, and what is in it. */
export function ListPage({ list, view }: { list: string; view: View }) {
  const { live } = useSession();
  const { lists, at } = useSight();
  useEffect(() => live.follow(list), [live, list]);
  const state = lists.find((one) => wellFormed(one.list) === list);
  const title = (
    <h1 tabIndex={-1}>
      <ShortText text={list} max={120} />
    </h1>
  );
  const back = (
    <a class="back" href={hrefOf(null)}>
      <Icon name="back" /> All lists
    </a>
  );
  if (!state) {
    return (
      <>
        {back}
        <div class="head">{title}</div>
        <p class="empty">{at === null ? "Reading the list…" : "There is no such list here."}</p>
      </>
    );
  }
  const { stats } = state;
  const counts: Record<View, number> = {
    "dead letters": stats.dead,
    messages: stats.list + stats.delayed + stats.parked,
    leases: stats.leases,
  };
  return (
    <>
      {back}
      <div class="head">
        {title}
        <StateChip stats={stats} />
        <Controls list={state.list} stats={stats} />
      </div>
      <Figures state={state} />
      <Plot list={state.list} />
      <nav class="views" aria-label="What is in the list">
        {views.map((one) => (
          <a key={one} href={hrefOf(list, one)} aria-current={one === view ? "page" : undefined}>
            {one} <span class="badge">{showCompact(counts[one])}</span>
          </a>
        ))}
      </nav>
      {view === "dead letters" && <DeadLetters list={state.list} count={stats.dead} />}
      {view === "messages" && <Messages list={state.list} stats={stats} />}
      {view === "leases" && <Leases list={state.list} stats={stats} />}
    </>
  );
}
