import { randomUUID } from "node:crypto";
import type { Dropped, EventQueue } from "./event-queue.ts";
import type { Executor, InvocationType } from "./executor.ts";
import type { Target } from "./function.ts";
import { chainCountMax, nextTrace } from "./trace.ts";

/** What an invoke comes to. `payload` is JSON, or empty; `errorType` names an error of the service. */
export interface Reply {
  readonly status: number;
  readonly payload: string;
  readonly requestId: string;
  readonly errorType?: string;
  /** Set where the function failed: `payload` then says how. */
  readonly functionError?: "Unhandled";
}

export interface ServiceOptions {
  readonly executor: Executor;
  readonly queue: EventQueue;
  readonly onDrop: (dropped: Dropped) => void;
}

export function failure(status: number, errorType: string, message: string): Reply {
  const payload = JSON.stringify({ Type: status < 500 ? "User" : "Service", Message: message, message });
  return { status, payload, requestId: randomUUID(), errorType };
}

/** Takes invokes, whoever made them: over HTTP, by a function URL, or a schedule. */
export class InvokeService {
  readonly #options: ServiceOptions;

  constructor(options: ServiceOptions) {
    this.#options = options;
  }

  async invoke(target: Target, type: InvocationType, event: unknown, trace?: string): Promise<Reply> {
    const { executor, queue, onDrop } = this.#options;
    const { lambda } = target;
    const requestId = randomUUID();
    const request = { requestId, target, type, event, trace: nextTrace(trace), attempt: 0 };
    const isLoop = lambda.recursiveLoop === "Terminate" && request.trace.count > chainCountMax;
    if (type === "Event") {
      // Whoever sent the event is not told that it was dropped.
      if (isLoop) onDrop({ functionName: lambda.name, event, reason: "recursion" });
      else queue.push(request);
      return { status: 202, payload: "", requestId };
    }
    if (isLoop) {
      return failure(400, "RecursiveInvocationException", "Lambda detected the function in a recursive loop");
    }
    const running = executor.start(request);
    if (running === null) return failure(429, "TooManyRequestsException", "Rate Exceeded.");
    const ended = await running;
    if (ended.outcome === "returned") return { status: 200, payload: ended.result, requestId };
    return { status: 200, payload: JSON.stringify(ended.error), requestId, functionError: "Unhandled" };
  }
}
