/**
 * The names that OpenTelemetry's conventions for messaging give to attributes and metrics, version 1.45; a test holds them to the
 * package `@opentelemetry/semantic-conventions`, which nobody has to install for them. What it has no name for begins with `spillway.`.
 */
export const names = {
  system: "messaging.system.name",
  destination: "messaging.destination.name",
  operationName: "messaging.operation.name",
  operationType: "messaging.operation.type",
  batchCount: "messaging.batch.message_count",
  messageId: "messaging.message.id",
  bodySize: "messaging.message.body.size",
  errorType: "error.type",
  processDuration: "messaging.process.duration",
  consumedMessages: "messaging.client.consumed.messages",
  sentMessages: "messaging.client.sent.messages",
  operationDuration: "messaging.client.operation.duration",
} as const;

export type Operation = "send" | "receive" | "process" | "settle";

/** What every span and measurement of an operation says. */
export function operationOn(list: string, operation: Operation): Record<string, string> {
  return {
    [names.system]: "redis",
    [names.destination]: list,
    [names.operationName]: operation,
    [names.operationType]: operation,
  };
}
