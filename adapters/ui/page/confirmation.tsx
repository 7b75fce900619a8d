import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { messageOf } from "./api.ts";
import { Dialog } from "./dialog.tsx";

/** Asks before something is done, does it, and closes; a failure is told where it was asked. */
export function Confirmation({
  title,
  verb,
  isDanger = false,
  onConfirm,
  onClose,
  children,
}: {
  title: string;
  verb: string;
  isDanger?: boolean;
  onConfirm: () => Promise<void>;
  onClose: () => void;
  children: ComponentChildren;
}) {
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const confirm = async (): Promise<void> => {
    setIsBusy(true);
    try {
      await onConfirm();
      onClose();
    } catch (error) {
      setProblem(messageOf(error));
      setIsBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      <p class="problem" role="alert">
        {problem}
      </p>
      <div class="actions">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="button"
          class={isDanger ? "danger sure" : "primary"}
          disabled={isBusy}
          onClick={confirm}
        >
          {verb}
        </button>
      </div>
    </Dialog>
  );
}
