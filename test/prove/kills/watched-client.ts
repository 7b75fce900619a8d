import { turnFieldCount } from "../../../src/broker/turn-reply.ts";
import type { RedisClient, RedisCommand, RedisReply } from "../../../src/index.ts";
import { isByKey, type WorldKind } from "./messages.ts";
import type { Death, RequestKind } from "./orders.ts";

/** The script's arguments that say what a request asks for, as the header of turn.ts numbers them. */
interface Asked {
  readonly kind: RequestKind | "other";
  readonly settleId: string;
  readonly letters: string;
  readonly claimId: string;
}

interface WatchedParts {
  readonly inner: RedisClient;
  readonly kind: WorldKind;
  note(...words: (string | number)[]): Promise<void>;
  /** Ends the process where it was ordered to end. */
  dieIfDue(kind: Asked["kind"], when: Death["when"]): Promise<void>;
}

/** The client of one drain, its requests watched: it knows in which batch each message was last claimed. */
export class WatchedClient implements RedisClient {
  readonly name: string;
  readonly batchOf = new Map<string, string>();
  /** The drain that sent the last request for messages: its batches' ids begin with it. */
  holder = "";
  readonly #parts: WatchedParts;
  /** By key: what the last reply showed of the list, from which the next claim takes. */
  #shown: readonly string[] = [];

  constructor(parts: WatchedParts) {
    this.name = parts.inner.name;
    this.#parts = parts;
  }

  pipeline: RedisClient["pipeline"] = (commands, options) => this.#parts.inner.pipeline(commands, options);

  close(): Promise<void> {
    return this.#parts.inner.close();
  }

  command: RedisClient["command"] = async (command, options) => {
    const { inner, note, dieIfDue } = this.#parts;
    const asked = readRequest(command);
    if (asked.claimId) this.holder = holderOf(asked.claimId);
    if (/[^ac]/.test(asked.letters)) await note("odd", asked.settleId);
    await dieIfDue(asked.kind, "before");
    const reply = await inner.command(command, options);
    const hasClaimed = await this.#noteReply(asked, reply);
    if (asked.kind !== "claim" || hasClaimed) await dieIfDue(asked.kind, "after");
    return reply;
  };

  /** Notes what a reply says; returns whether it brought messages. */
  async #noteReply({ settleId, claimId }: Asked, reply: RedisReply): Promise<boolean> {
    if (!Array.isArray(reply)) return false;
    const [settled, , messages] = reply;
    if (settled === 2) await this.#parts.note("lost", settleId);
    if (!Array.isArray(messages)) return false;
    const [places, showing] = isByKey(this.#parts.kind) ? reply.slice(turnFieldCount + 1) : [];
    const claimed = [
      ...(messages as string[]),
      ...((places ?? []) as number[]).map((at) => this.#shown[at - 1] ?? ""),
    ];
    if (claimId) this.#shown = (showing ?? []) as string[];
    for (const payload of claimed) this.batchOf.set(payload, claimId);
    return claimed.length > 0;
  }
}

/** The drain that a batch belongs to. */
export function holderOf(batch: string): string {
  return batch.slice(0, batch.lastIndexOf("."));
}

function readRequest(command: RedisCommand): Asked {
  const [name, , keyCount, ...rest] = command;
  if (name === "EXISTS") return { kind: "probe", settleId: "", letters: "", claimId: "" };
  if (!name.startsWith("EVAL")) return { kind: "other", settleId: "", letters: "", claimId: "" };
  const [, settleId = "", , letters = "", claimId = ""] = rest.slice(Number(keyCount)).map(String);
  const kind = claimId ? (settleId ? "turn" : "claim") : settleId ? "settle" : "other";
  return { kind, settleId, letters, claimId };
}
