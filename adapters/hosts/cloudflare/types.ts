/**
 * The parts of the Workers runtime that this adapter uses, declared here so that it needs no package. The types that `wrangler types`
 * makes are assignable to them.
 */

export interface ExecutionContext {
  waitUntil(promise: Promise<unknown>): void;
}

interface ServiceAnswer {
  readonly status: number;
  text(): Promise<string>;
}

interface ServiceRequest {
  method: string;
  headers: Record<string, string>;
  body?: string;
  redirect?: "manual";
  signal?: AbortSignal;
}

/** A service binding, or the stub of a Durable Object. */
export interface Service {
  fetch(url: string, request: ServiceRequest): Promise<ServiceAnswer>;
}

/** A Durable Object binding. */
export interface ObjectNamespace {
  // biome-ignore lint/suspicious/noExplicitAny: an id is opaque, and each set of platform types has its own.
  idFromName(name: string): any;
  // biome-ignore lint/suspicious/noExplicitAny: the same.
  get(id: any): Service;
}

/** A Queue binding. */
export interface QueueProducer {
  send(body: unknown, options: { contentType: "json"; delaySeconds?: number }): Promise<unknown>;
}

export interface QueueMessage {
  readonly body: unknown;
  ack(): void;
  retry(): void;
}

export interface QueueBatch {
  readonly messages: readonly QueueMessage[];
}

export interface ObjectStorage {
  get<Value>(key: string): Promise<Value | undefined>;
  put(key: string, value: unknown): Promise<void>;
  delete(key: string): Promise<unknown>;
  getAlarm(): Promise<number | null>;
  setAlarm(at: number): Promise<void>;
}

export interface ObjectState {
  readonly storage: ObjectStorage;
}
