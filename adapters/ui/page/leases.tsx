import { useRef } from "preact/hooks";
import type { DrainStats } from "../../../src/index.ts";
import { useAsked } from "./asked.ts";
import { showAgo, showCount, showSpan } from "./format.ts";
import { Icon } from "./icons.tsx";
import { useSession, useSight } from "./session.ts";
import { ShortText } from "./shown-text.tsx";

/** Who holds messages of the list, and until when. */
export function Leases({ list, stats }: { list: string; stats: DrainStats }) {
  const { api, canOperate } = useSession();
  const { at } = useSight();
  const { value, problem, again } = useAsked(() => api.leases(list), list, `${at} ${stats.leases}`);
  /** When this page first saw each batch: Redis keeps only when its lease ends. */
  const firstSeen = useRef(new Map<string, number>());
  const now = Date.now();
  for (const { batch } of value ?? []) {
    if (!firstSeen.current.has(batch)) firstSeen.current.set(batch, now);
  }
  const expiredCount = value?.filter(({ isExpired }) => isExpired).length ?? 0;
  return (
    <section aria-label="Leases">
      <div class="bar">
        <p class="quiet grow">
          {expiredCount > 0
            ? `${showCount(expiredCount)} ended: the next drain${canOperate ? ", or Recover," : ""} returns their messages.`
            : "Each batch that a drain works on, those first whose lease ends first."}
        </p>
        <button type="button" onClick={again}>
          Look again
        </button>
      </div>
      {problem && <p class="problem">{problem}</p>}
      {value?.length === 0 && (
        <p class="empty">No drain holds a message. A lease appears here while a batch is worked on.</p>
      )}
      {value && value.length > 0 && (
        <div class="table">
          <table>
            <caption class="sr-only">Leases of the list</caption>
            <thead>
              <tr>
                <th scope="col">Drain</th>
                <th scope="col" class="wide-only">
                  Batch
                </th>
                <th scope="col" class="count">
                  Messages
                </th>
                <th scope="col" class="count wide-only">
                  Seen here for
                </th>
                <th scope="col" class="count">
                  Lease
                </th>
              </tr>
            </thead>
            <tbody>
              {value.map((one) => (
                <tr key={one.batch}>
                  <th scope="row">
                    <code>
                      <ShortText text={one.drain} max={40} />
                    </code>
                  </th>
                  <td class="wide-only">
                    <code>
                      <ShortText text={one.batch.slice(one.drain.length + 1)} max={40} />
                    </code>
                  </td>
                  <td class="count">{showCount(one.count)}</td>
                  <td class="count nowrap wide-only">
                    {showSpan(now - (firstSeen.current.get(one.batch) ?? now))}
                  </td>
                  <td class="count nowrap">
                    {one.isExpired ? (
                      <span class="chip warning">
                        <Icon name="braked" />
                        ended {showAgo(-one.endsInMs)}
                      </span>
                    ) : (
                      `ends in ${showSpan(one.endsInMs)}`
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
