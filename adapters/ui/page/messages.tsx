import { useState } from "preact/hooks";
import type { DrainStats } from "../../../src/index.ts";
import type { ShownMessage } from "./api.ts";
import { useAsked } from "./asked.ts";
import { Dialog } from "./dialog.tsx";
import { showBytes, showCount, showMoment, showSpan } from "./format.ts";
import { PayloadView } from "./payload-view.tsx";
import { useSession } from "./session.ts";
import { ShortText } from "./shown-text.tsx";

const places = { list: "The list", delayed: "Delayed", parked: "Parked by key" } as const;
type Place = keyof typeof places;

const empty: Readonly<Record<Place, string>> = {
  list: "No message waits. What is pushed now is claimed by the next drain.",
  delayed: "No message is delayed. Retries and pushes with a delay wait here until they are due.",
  parked: "No message is parked. With an order by key, messages wait here for others of their key.",
};
const countMax = 50;

/** Messages that wait: the next ones, or the newest. Looking changes nothing. */
export function Messages({ list, stats }: { list: string; stats: DrainStats }) {
  const { api } = useSession();
  const [place, setPlace] = useState<Place>("list");
  const [from, setFrom] = useState("oldest");
  const [opened, setOpened] = useState<ShownMessage | null>(null);
  const key = `${list} ${place} ${from}`;
  const { value, problem, again } = useAsked(
    () => api.messages(list, place, from, countMax),
    key,
    opened ? null : stats[place],
  );
  return (
    <section aria-label="Messages">
      <div class="bar">
        <label>
          Where
          <select value={place} onChange={(event) => setPlace(event.currentTarget.value as Place)}>
            {Object.entries(places).map(([name, text]) => (
              <option key={name} value={name}>
                {text} ({showCount(stats[name as Place])})
              </option>
            ))}
          </select>
        </label>
        <label>
          First
          <select value={from} onChange={(event) => setFrom(event.currentTarget.value)}>
            <option value="oldest">the next to run</option>
            <option value="newest">the newest</option>
          </select>
        </label>
        <button type="button" onClick={again}>
          Look again
        </button>
      </div>
      {problem && <p class="problem">{problem}</p>}
      {value?.length === 0 && <p class="empty">{empty[place]}</p>}
      {value && value.length > 0 && (
        <div class="table">
          <table>
            <caption class="sr-only">
              Messages in {places[place]}, {countMax} at most
            </caption>
            <thead>
              <tr>
                <th scope="col">Payload</th>
                {place === "delayed" && <th scope="col">Due</th>}
                {place === "parked" && <th scope="col">Key</th>}
                <th scope="col" class="count">
                  Attempts
                </th>
                <th scope="col" class="count wide-only">
                  Size
                </th>
              </tr>
            </thead>
            <tbody>
              {value.map((one, at) => (
                <tr key={`${one.id}${at}`}>
                  <td class="preview">
                    <button type="button" class="open" onClick={() => setOpened(one)}>
                      <Preview payload={one.payload} />
                    </button>
                  </td>
                  {place === "delayed" && <td class="nowrap">{dueIn(one.dueAt)}</td>}
                  {place === "parked" && (
                    <td>
                      <ShortText text={one.key ?? ""} max={40} />
                    </td>
                  )}
                  <td class="count">{one.attempts}</td>
                  <td class="count nowrap wide-only">{showBytes(one.size)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {opened && (
        <Dialog title="Message" isWide onClose={() => setOpened(null)}>
          <dl class="facts">
            <dt>Id</dt>
            <dd>
              <code>{opened.id}</code>
            </dd>
            <dt>Failed attempts</dt>
            <dd>
              {opened.attempts}
              {opened.crashes > 0 && `, of which ${opened.crashes} crashed`}
            </dd>
            {opened.firstFailedAt !== null && (
              <>
                <dt>First failed</dt>
                <dd>{showMoment(opened.firstFailedAt)}</dd>
              </>
            )}
            {opened.dueAt !== null && (
              <>
                <dt>Due</dt>
                <dd>{showMoment(opened.dueAt)}</dd>
              </>
            )}
          </dl>
          <PayloadView of={opened} />
          <div class="actions">
            <button type="button" onClick={() => setOpened(null)}>
              Close
            </button>
          </div>
        </Dialog>
      )}
    </section>
  );
}

/** The beginning of a payload, on one line. */
export function Preview({ payload }: { payload: string }) {
  const line = payload.slice(0, 200).replace(/\s+/g, " ");
  if (payload === "") return <i>empty</i>;
  return (
    <code>
      <ShortText text={line === " " ? "(white space)" : line} max={160} />
    </code>
  );
}

function dueIn(dueAt: number | null): string {
  const ms = (dueAt ?? 0) - Date.now();
  return ms > 0 ? `in ${showSpan(ms)}` : "now";
}
