import { useEffect, useState } from "preact/hooks";
import type { DrainStats, ListLimit, RateLimit } from "../../../src/index.ts";
import { messageOf } from "./api.ts";
import { Confirmation } from "./confirmation.tsx";
import { Dialog } from "./dialog.tsx";
import { Icon } from "./icons.tsx";
import { limitTexts, rateOf, withRate } from "./limit.ts";
import { useSession } from "./session.ts";

/** What an operator does to a whole list, and its limit. */
export function Controls({ list, stats }: { list: string; stats: DrainStats }) {
  const { api, live, canOperate, say } = useSession();
  const [asked, setAsked] = useState<"pause" | "limit" | null>(null);
  const [limit, setLimit] = useState<ListLimit | null>(null);
  const close = (): void => setAsked(null);

  const readLimit = (): void => void api.limit(list).then(setLimit, () => setLimit(null));
  useEffect(readLimit, [list]);

  const act = async (does: () => Promise<string>): Promise<void> => {
    try {
      say(await does());
      await live.refresh();
    } catch (error) {
      say(messageOf(error), true);
    }
  };

  const shownLimits = limitTexts(limit).map((text) => (
    <span key={text} class="chip">
      <Icon name="limited" />
      {text}
    </span>
  ));
  if (!canOperate) return <>{shownLimits}</>;
  return (
    <>
      {shownLimits}
      <div class="actions">
        <button
          type="button"
          onClick={() =>
            act(async () => ((await api.wake()) ? "A drain begins." : "A drain is at work already."))
          }
        >
          Drain now
        </button>
        <button
          type="button"
          onClick={() =>
            act(async () => {
              const { recovered, adopted } = await api.recover(list);
              return `Messages recovered: ${recovered}. Working lists found without a lease: ${adopted}.`;
            })
          }
        >
          Recover
        </button>
        <button type="button" onClick={() => setAsked("limit")}>
          Limit…
        </button>
        {stats.paused ? (
          <button
            type="button"
            class="primary"
            onClick={() =>
              act(async () => api.setPaused(list, false).then(() => "The list goes on with the next drain."))
            }
          >
            Resume
          </button>
        ) : (
          <button type="button" onClick={() => setAsked("pause")}>
            Pause…
          </button>
        )}
      </div>
      {asked === "pause" && (
        <Confirmation
          title="Pause this list?"
          verb="Pause"
          onClose={close}
          onConfirm={async () => {
            await api.setPaused(list, true);
            say("Paused. Drains at work stop within a second or with their batch.");
            await live.refresh();
          }}
        >
          <p>Its drains claim nothing more until somebody resumes it. Producers go on pushing.</p>
        </Confirmation>
      )}
      {asked === "limit" && (
        <LimitDialog
          list={list}
          limit={limit}
          onClose={() => {
            close();
            readLimit();
          }}
        />
      )}
    </>
  );
}

function LimitDialog({
  list,
  limit,
  onClose,
}: {
  list: string;
  limit: ListLimit | null;
  onClose: () => void;
}) {
  const { api, say } = useSession();
  const rate = limit && rateOf(limit);
  const [messages, setMessages] = useState(String(rate?.messages ?? 100));
  const [seconds, setSeconds] = useState(String((rate?.windowMs ?? 1_000) / 1_000));
  const [problem, setProblem] = useState<string | null>(null);

  const set = async (wanted: RateLimit | null): Promise<void> => {
    try {
      await api.setLimit(list, withRate(await api.limit(list), wanted));
      say(wanted ? "The limit is set." : "There is no limit any more.");
      onClose();
    } catch (error) {
      setProblem(messageOf(error));
    }
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    void set({ messages: Number(messages), windowMs: Math.round(Number(seconds) * 1_000) });
  };
  return (
    <Dialog title="Limit this list" onClose={onClose}>
      <form onSubmit={submit}>
        <p class="quiet">
          All drains of the list together claim no more than that, each attempt counted.
          {limit?.perKey && " What each key may have stays as it is."}
        </p>
        <div class="fields">
          <label>
            Messages
            <input
              inputMode="numeric"
              value={messages}
              onInput={(event) => setMessages(event.currentTarget.value)}
            />
          </label>
          <label>
            in how many seconds
            <input
              inputMode="decimal"
              value={seconds}
              onInput={(event) => setSeconds(event.currentTarget.value)}
            />
          </label>
        </div>
        <p class="problem" role="alert">
          {problem}
        </p>
        <div class="actions">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          {rate && (
            <button type="button" onClick={() => set(null)}>
              Take it away
            </button>
          )}
          <button type="submit" class="primary">
            Set the limit
          </button>
        </div>
      </form>
    </Dialog>
  );
}
