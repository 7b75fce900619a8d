import type { DeadLetterWhere } from "../../../src/index.ts";
import { Confirmation } from "./confirmation.tsx";
import { showCount } from "./format.ts";
import { useSession } from "./session.ts";
import { ShortText } from "./shown-text.tsx";

/** Dead letters that somebody is about to redrive or purge. */
export interface Taking {
  readonly verb: "redrive" | "purge";
  readonly where: DeadLetterWhere;
  /** How many there were when they were counted: no more are taken. */
  readonly count: number;
  readonly isAll: boolean;
}

export function TakeDialog({
  list,
  taking: { verb, where, count, isAll },
  onClose,
  onTaken,
}: {
  list: string;
  taking: Taking;
  onClose: () => void;
  onTaken: () => void;
}) {
  const { api, live, say } = useSession();
  const word = verb === "redrive" ? "Redrive" : "Purge";
  const many = `${showCount(count)} dead letter${count === 1 ? "" : "s"}`;
  return (
    <Confirmation
      title={`${word} ${many}?`}
      verb={`${word} ${showCount(count)}`}
      isDanger={verb === "purge"}
      onClose={onClose}
      onConfirm={async () => {
        const taken = await api.take(verb, list, where, count);
        say(`${verb === "redrive" ? "Redriven" : "Purged"}: ${showCount(taken)}.`);
        onTaken();
        await live.refresh().catch(() => undefined);
      }}
    >
      <p>
        {isAll ? "All that there are now in " : count === 1 ? "In " : "Those that fit the search, in "}
        <strong>
          <ShortText text={list} max={80} />
        </strong>
        .{" "}
        {verb === "redrive"
          ? "They go back to the list with a fresh count of attempts, and the next drain runs them."
          : "They are deleted. There is no way back."}
      </p>
    </Confirmation>
  );
}
