import { fromText } from "../bytes.ts";
import { sha1Hex } from "../digest.ts";
import { SpillwayError } from "../errors.ts";
import { CallTime } from "../handling/call-time.ts";
import { MessageView } from "../handling/message.ts";
import * as limits from "../limits.ts";
import { kindOf } from "../options/show.ts";
import type { ByteString } from "../redis/redis-client.ts";
import { watchLease } from "../run/lease-watch.ts";
import type { KeyOf, OrderContext } from "./order-option.ts";

/** Stands for the key of a message without one. */
export const noKey = "-".repeat(16);

/** The key of a message as Redis knows it, or why it could not be read. */
export interface ReadKey {
  readonly digest: string;
  readonly fault: { readonly error: unknown } | undefined;
}

/** Reads the keys of messages, by a path or by a function of the user. */
export class KeyReader {
  readonly #of: KeyOf<unknown> | string;
  readonly #context: Pick<OrderContext, "settings" | "stopper">;
  /** Half of the run: a key that never comes must leave time to claim its message, which fails, or it would stop the list. */
  readonly #msMax: number;

  constructor(of: KeyOf<unknown> | string, context: Pick<OrderContext, "settings" | "stopper">) {
    this.#of = of;
    this.#context = context;
    const { stopper, settings } = context;
    this.#msMax = Math.min(
      settings.handlerTimeoutMs ?? Infinity,
      Math.ceil((stopper?.remainingMs() ?? 0) / 2),
    );
  }

  /** The keys of some messages; null where the run was stopped before all were known. Never throws. */
  async read(payloads: readonly ByteString[]): Promise<ReadKey[] | null> {
    const { stopper, settings } = this.#context;
    if (!stopper || stopper.isStopped) return null;
    const { list, codec, clock } = settings;
    const watch = watchLease({ leaseEndsAt: Number.POSITIVE_INFINITY }, stopper, clock);
    const time = new CallTime(watch, clock, this.#msMax);
    try {
      const context = { list, codec, time, markDone: undefined };
      const read = payloads.map((raw, at) =>
        this.#readOne(new MessageView(unclaimed(raw), at, context), time),
      );
      const keys = await Promise.all(read);
      return stopper.isStopped ? null : keys;
    } finally {
      watch.dispose();
    }
  }

  async #readOne(message: MessageView, time: CallTime): Promise<ReadKey> {
    try {
      const of = this.#of;
      const key =
        typeof of === "string"
          ? valueAt(message.value, of)
          : await time.wait("byKey", "stop", () => of(message));
      return { digest: digestOf(key), fault: undefined };
    } catch (error) {
      return { digest: noKey, fault: { error } };
    }
  }
}

function unclaimed(raw: ByteString) {
  return { raw, earlierAttempts: 0, crashes: 0, firstFailedAt: null };
}

/** Reads own properties only: an inherited one is not part of the payload. */
function valueAt(value: unknown, path: string): unknown {
  let found = value;
  for (const name of path.split(".")) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, name)) return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}

function digestOf(key: unknown): string {
  if (key === undefined || key === null) return noKey;
  const isKey = typeof key === "string" || (typeof key === "number" && Number.isFinite(key));
  const text = isKey ? String(key) : "";
  if (isKey && text.length <= limits.keyCharsMax) return sha1Hex(fromText(text)).slice(0, 16);
  const got = isKey ? `${text.length} characters` : typeof key === "number" ? String(key) : kindOf(key);
  throw new SpillwayError(
    "order-key",
    `A message's key must be a string of at most ${limits.keyCharsMax} characters, a finite number, or undefined where it has none; got ${got}.`,
  );
}
