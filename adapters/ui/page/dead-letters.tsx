import { useRef, useState } from "preact/hooks";
import type { DeadLetterWhere } from "../../../src/index.ts";
import { messageOf, type ShownDeadLetter } from "./api.ts";
import { useAsked } from "./asked.ts";
import { DeadLetterDialog } from "./dead-letter-dialog.tsx";
import { DeadLetterSearch } from "./dead-letter-search.tsx";
import { showAgo, showMoment } from "./format.ts";
import { Preview } from "./messages.tsx";
import { useSession } from "./session.ts";
import { ShortText } from "./shown-text.tsx";
import { TakeDialog, type Taking } from "./take-dialog.tsx";

/** The messages that will not run again: searched, shown, redriven and purged. */
export function DeadLetters({ list, count }: { list: string; count: number }) {
  const { api, canOperate, say } = useSession();
  const [where, setWhere] = useState<DeadLetterWhere>({});
  const [more, setMore] = useState<{ of: unknown; found: readonly ShownDeadLetter[]; next: string | null }>();
  const [opened, setOpened] = useState<ShownDeadLetter | null>(null);
  const [taking, setTaking] = useState<Taking | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const key = `${list} ${JSON.stringify(where)}`;
  const { value, problem, again } = useAsked(
    () => api.deadLetters(list, where, null),
    key,
    // What the reader works on stays as it is.
    opened || taking || more ? null : count,
  );
  const isMoreOfThis = more !== undefined && more.of === value;
  const found = [...(value?.deadLetters ?? []), ...(isMoreOfThis ? more.found : [])];
  const next = isMoreOfThis ? more.next : (value?.next ?? null);
  const isSearch = Object.keys(where).length > 0;

  const showMore = async (): Promise<void> => {
    try {
      const page = await api.deadLetters(list, where, next);
      const before = isMoreOfThis ? more.found : [];
      setMore({ of: value, found: [...before, ...page.deadLetters], next: page.next });
    } catch (error) {
      say(messageOf(error), true);
    }
  };
  const startTaking = async (
    verb: Taking["verb"],
    chosen: DeadLetterWhere,
    isOne: boolean,
  ): Promise<void> => {
    try {
      const meant = isOne ? 1 : await api.take(verb, list, chosen, "dry run");
      if (meant === 0) return say("There is no such dead letter any more.");
      setTaking({ verb, where: chosen, count: meant, isAll: !isOne && Object.keys(chosen).length === 0 });
    } catch (error) {
      say(messageOf(error), true);
    }
  };
  return (
    <section aria-label="Dead letters">
      <h2 class="sr-only" tabIndex={-1} ref={heading}>
        Dead letters
      </h2>
      <DeadLetterSearch where={where} onSearch={setWhere}>
        {canOperate && (
          <>
            <button type="button" disabled={count === 0} onClick={() => startTaking("redrive", where, false)}>
              {isSearch ? "Redrive these…" : "Redrive all…"}
            </button>
            <button
              type="button"
              class="danger"
              disabled={count === 0}
              onClick={() => startTaking("purge", where, false)}
            >
              {isSearch ? "Purge these…" : "Purge all…"}
            </button>
          </>
        )}
      </DeadLetterSearch>
      {problem && <p class="problem">{problem}</p>}
      {value && found.length === 0 && (
        <p class="empty">
          {isSearch
            ? "No dead letter fits. Search for less, or clear the search."
            : "No dead letters: every message has run, or will be tried again."}
        </p>
      )}
      {found.length > 0 && (
        <div class="table">
          <table>
            <caption class="sr-only">Dead letters, the newest first</caption>
            <thead>
              <tr>
                <th scope="col">Why</th>
                <th scope="col" class="wide-only">
                  Payload
                </th>
                <th scope="col" class="count wide-only">
                  Attempts
                </th>
                <th scope="col" class="count">
                  Died
                </th>
              </tr>
            </thead>
            <tbody>
              {found.map((one, at) => (
                <tr key={`${one.id}${at}`}>
                  <td class="preview">
                    <button type="button" class="open" onClick={() => setOpened(one)}>
                      <span class="chip">
                        <ShortText text={one.reason} max={40} />
                      </span>{" "}
                      <Cause letter={one} />
                    </button>
                  </td>
                  <td class="preview wide-only">
                    <Preview payload={one.payload} />
                  </td>
                  <td class="count wide-only">{one.attempts}</td>
                  <td class="count nowrap" title={showMoment(one.lastFailedAt)}>
                    {one.lastFailedAt > 0 ? showAgo(Date.now() - one.lastFailedAt) : "–"}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {next !== null && (
        <button type="button" class="more" onClick={showMore}>
          Show more
        </button>
      )}
      {opened && (
        <DeadLetterDialog
          list={list}
          letter={opened}
          onClose={() => setOpened(null)}
          onTake={(verb) => startTaking(verb, { id: opened.id }, true)}
        />
      )}
      {taking && (
        <TakeDialog
          list={list}
          taking={taking}
          onClose={() => setTaking(null)}
          onTaken={() => {
            setOpened(null);
            setMore(undefined);
            again();
            heading.current?.focus();
          }}
        />
      )}
    </section>
  );
}

function Cause({ letter: { error, issues } }: { letter: ShownDeadLetter }) {
  if (error) return <ShortText text={`${error.name}: ${error.message}`} max={140} />;
  const [issue] = issues;
  return issue ? (
    <ShortText text={`${issue.path}: ${issue.message}`} max={140} />
  ) : (
    <i>no error was thrown</i>
  );
}
