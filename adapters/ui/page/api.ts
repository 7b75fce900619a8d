import type {
  DeadLetter,
  DeadLetterWhere,
  DrainStats,
  Lease,
  ListLimit,
  PeekedMessage,
} from "../../../src/index.ts";

/** What the API said no to, or that it did not answer. */
export class ApiError extends Error {
  /** The answer's status; 0 where there was no answer. */
  readonly status: number;
  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ApiError";
    this.status = status;
  }
}

/** A list, and how it stands. */
export interface ListState {
  readonly list: string;
  readonly stats: DrainStats;
  /** What the server's own process has handled of it; null where that is nothing. */
  readonly handled: {
    readonly acked: number;
    readonly failed: number;
    readonly oldestMs: number | null;
  } | null;
}

/** How lists stand, and how many there are beside. */
export interface ListStates {
  readonly lists: readonly ListState[];
  readonly leftOut: number;
}

/** A payload as the API tells it: of more than 64 KiB the beginning, `base64` where its bytes are no UTF-8. */
export interface ShownPayload {
  readonly payload: string;
  readonly base64: string | null;
  readonly size: number;
}

export type ShownDeadLetter = Omit<DeadLetter, "bytes" | "payload"> & ShownPayload;
export type ShownMessage = Omit<PeekedMessage, "bytes" | "payload"> & ShownPayload;

/** Dead letters up to one of them, and which comes after. */
export interface DeadLetterPage {
  readonly deadLetters: readonly ShownDeadLetter[];
  readonly next: string | null;
}

type Query = Readonly<Record<string, string | number | null | undefined>>;

/** The HTTP API that serves this page too: beside it, at whatever path both are mounted. */
export class Api {
  readonly #token: string;
  constructor(token: string) {
    this.#token = token;
  }

  /** What the token opens. */
  async scopes(): Promise<readonly string[]> {
    return (await this.#json<{ scopes: string[] }>("GET", "access")).scopes;
  }

  /** How the lists stand, from now on, until either side ends it. */
  events(signal: AbortSignal): Promise<Response> {
    return this.#send("GET", "events", {}, undefined, signal);
  }

  /** Of each list, or of the one that is named. */
  async lists(list?: string): Promise<ListStates> {
    return this.#json("GET", "lists", { list });
  }

  async messages(list: string, place: string, from: string, count: number): Promise<ShownMessage[]> {
    const query = { list, place, from, count };
    return (await this.#json<{ messages: ShownMessage[] }>("GET", "messages", query)).messages;
  }

  async leases(list: string): Promise<Lease[]> {
    return (await this.#json<{ leases: Lease[] }>("GET", "leases", { list, max: 200 })).leases;
  }

  async deadLetters(
    list: string,
    { text, reason, errorName, since }: DeadLetterWhere,
    after: string | null,
  ): Promise<DeadLetterPage> {
    const where = { text, reason, errorName, since };
    return this.#json("GET", "dead-letters", { list, ...where, after, max: 50, order: "newest" });
  }

  async deadLetter(list: string, id: string): Promise<ShownDeadLetter> {
    return this.#json("GET", `dead-letters/${encodeURIComponent(id)}`, { list });
  }

  /** Redrives or purges, or counts what that would take: `max` bounds it to what the reader has agreed to. */
  async take(
    verb: "redrive" | "purge",
    list: string,
    where: DeadLetterWhere,
    max: number | "dry run",
  ): Promise<number> {
    const body = { where, all: true, ...(max === "dry run" ? { dryRun: true } : { max }) };
    const answer = await this.#json<Record<string, number>>("POST", `dead-letters/${verb}`, { list }, body);
    return (verb === "redrive" ? answer.redriven : answer.purged) ?? 0;
  }

  async setPaused(list: string, isPaused: boolean): Promise<void> {
    await this.#json("POST", isPaused ? "pause" : "resume", { list });
  }

  async recover(list: string): Promise<{ recovered: number; adopted: number }> {
    return this.#json("POST", "recover", { list });
  }

  /** Has a drain begin; false where one is at work already. */
  async wake(): Promise<boolean> {
    return (await this.#json<{ woken: boolean }>("POST", "wake")).woken;
  }

  async limit(list: string): Promise<ListLimit | null> {
    return (await this.#json<{ limit: ListLimit | null }>("GET", "limits", { list })).limit;
  }

  async setLimit(list: string, limit: ListLimit | null): Promise<void> {
    await this.#json(limit ? "PUT" : "DELETE", "limits", { list }, limit ?? undefined);
  }

  async #json<Answer>(method: string, path: string, query?: Query, body?: object): Promise<Answer> {
    const answer = await this.#send(method, path, query, body);
    try {
      return (await answer.json()) as Answer;
    } catch (cause) {
      throw new ApiError(0, "The server's answer could not be read.", { cause });
    }
  }

  async #send(
    method: string,
    path: string,
    query: Query = {},
    body?: object,
    signal?: AbortSignal,
  ): Promise<Response> {
    const url = new URL(path, location.href.replace(/[?#].*$/, ""));
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined && value !== null) url.searchParams.set(name, String(value));
    }
    const headers: Record<string, string> = { Authorization: `Bearer ${this.#token}` };
    if (body) headers["Content-Type"] = "application/json";
    let answer: Response;
    try {
      answer = await fetch(url, {
        method,
        headers,
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
        referrerPolicy: "no-referrer",
        ...(body && { body: JSON.stringify(body) }),
        ...(signal && { signal }),
      });
    } catch (cause) {
      throw new ApiError(0, "The server does not answer.", { cause });
    }
    if (answer.ok) return answer;
    const problem = await answer.json().catch(() => null);
    const detail =
      typeof problem?.detail === "string" ? problem.detail : `The server answered ${answer.status}.`;
    throw new ApiError(answer.status, detail);
  }
}

/** What to tell of a failure. */
export function messageOf(error: unknown): string {
  return error instanceof ApiError ? error.message : "Something went wrong on this page; reload it.";
}
