import type { ListState } from "./api.ts";
import { showChange, showCount, showSpan } from "./format.ts";
import { useSession } from "./session.ts";

/** How a list stands now, a tile a figure. */
export function Figures({ state: { list, stats, handled } }: { state: ListState }) {
  const { live } = useSession();
  const change = live.changeOf(list, "list");
  const failures = live.changeOf(list, "dead");
  const due = stats.nextDueAt === null ? null : stats.nextDueAt - Date.now();
  const plural = (count: number, word: string): string =>
    `${showCount(count)} ${word}${count === 1 ? "" : "s"}`;
  return (
    <dl class="figures">
      <Figure
        name="Backlog"
        count={stats.list}
        note={change === null ? "messages wait" : showChange(change)}
      />
      <Figure name="In flight" count={stats.working} note={plural(stats.leases, "lease")} />
      <Figure
        name="Delayed"
        count={stats.delayed}
        note={due === null ? "none is due" : due > 0 ? `next in ${showSpan(due)}` : "due now"}
      />
      {handled && (
        <Figure
          name="Acked/min"
          count={Math.max(0, Math.round(live.changeOf(list, "acked") ?? 0))}
          note={[
            `${showCount(Math.max(0, Math.round(live.changeOf(list, "failed") ?? 0)))} failed`,
            ...(handled.oldestMs === null || stats.list + stats.working === 0
              ? []
              : [`oldest ${showSpan(handled.oldestMs)}`]),
          ].join(", ")}
        />
      )}
      <Figure name="Parked" count={stats.parked} note={plural(stats.parkedKeys, "key")} />
      <Figure
        name="Dead"
        count={stats.dead}
        note={failures === null ? "will not run again" : showChange(failures)}
        isAlarming={stats.dead > 0}
      />
    </dl>
  );
}

function Figure({
  name,
  count,
  note,
  isAlarming = false,
}: {
  name: string;
  count: number;
  note: string;
  isAlarming?: boolean;
}) {
  return (
    <div class={isAlarming ? "alarming" : undefined}>
      <dt>{name}</dt>
      <dd>
        <b>{showCount(count)}</b>
        <span class="quiet">{note}</span>
      </dd>
    </div>
  );
}
