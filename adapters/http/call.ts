/** A request, and what holds the process to a promise after the answer, where the platform gives such a thing. */
export interface Call {
  readonly request: Request;
  readonly waitUntil: ((promise: Promise<unknown>) => void) | undefined;
}

/** Answers a call; null for one that is somebody else's. */
export type Answering = (call: Call) => Promise<Response | null>;
