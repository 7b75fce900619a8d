import type { ShownDeadLetter } from "./api.ts";
import { useAsked } from "./asked.ts";
import { Dialog } from "./dialog.tsx";
import { showMoment } from "./format.ts";
import { PayloadView } from "./payload-view.tsx";
import { useSession } from "./session.ts";
import { ShownText } from "./shown-text.tsx";

/** One dead letter, whole: why it died, what was thrown where, and its payload. */
export function DeadLetterDialog({
  list,
  letter,
  onClose,
  onTake,
}: {
  list: string;
  letter: ShownDeadLetter;
  onClose: () => void;
  onTake: (verb: "redrive" | "purge") => void;
}) {
  const { api, canOperate } = useSession();
  // What another program has put there has no id, and can only be taken with all others.
  const isNamed = letter.id !== "";
  const { value, problem } = useAsked(
    async () => (isNamed ? api.deadLetter(list, letter.id) : letter),
    letter.id,
    null,
  );
  const { reason, error, issues, attempts, firstFailedAt, lastFailedAt } = letter;
  return (
    <Dialog title="Dead letter" isWide onClose={onClose}>
      <dl class="facts">
        <dt>Reason</dt>
        <dd>
          <ShownText text={reason} />
        </dd>
        <dt>Attempts</dt>
        <dd>{attempts}</dd>
        <dt>First failed</dt>
        <dd>{showMoment(firstFailedAt)}</dd>
        <dt>Died</dt>
        <dd>{showMoment(lastFailedAt)}</dd>
        <dt>Id</dt>
        <dd>{isNamed ? <code>{letter.id}</code> : "none: another program has put it there"}</dd>
      </dl>
      {error && (
        <section class="thrown" aria-label="Error">
          <p>
            <strong>
              <ShownText text={error.name} />
            </strong>
            : <ShownText text={error.message} />
          </p>
          {error.stack && (
            <details>
              <summary>Stack</summary>
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard. */}
              <pre tabIndex={0}>
                <ShownText text={error.stack} />
              </pre>
            </details>
          )}
        </section>
      )}
      {issues.length > 0 && (
        <ul class="issues">
          {issues.map(({ path, message }, at) => (
            <li key={at}>
              <code>
                <ShownText text={path} />
              </code>{" "}
              <ShownText text={message} />
            </li>
          ))}
        </ul>
      )}
      {problem ? (
        <p class="problem">{problem}</p>
      ) : (
        <PayloadView key={value ? "whole" : "part"} of={value ?? letter} />
      )}
      <div class="actions">
        <button type="button" onClick={onClose}>
          Close
        </button>
        {canOperate && isNamed && (
          <>
            <button type="button" class="danger" onClick={() => onTake("purge")}>
              Purge…
            </button>
            <button type="button" class="primary" onClick={() => onTake("redrive")}>
              Redrive…
            </button>
          </>
        )}
      </div>
    </Dialog>
  );
}
