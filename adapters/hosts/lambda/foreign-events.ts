type Fields = Readonly<Record<string, unknown>>;

/**
 * The fields by which a source is known, all of which must be there. The first match counts. This only words an error: an event
 * that matches none of these is refused too.
 */
const sources: readonly (readonly [name: string, ...fields: string[]])[] = [
  ["a hop with more beside it", "spillway"],
  ["an authorizer's request of API Gateway", "methodArn"],
  ["an authorizer's request of API Gateway", "routeArn"],
  ["records of Data Firehose", "deliveryStreamArn", "records"],
  ["records of Managed Service for Apache Flink", "applicationArn", "records"],
  ["log lines of CloudWatch Logs", "awslogs"],
  ["an alarm of CloudWatch", "alarmArn"],
  ["tasks of S3 Batch Operations", "invocationSchemaVersion", "tasks"],
  ["a request of S3 Object Lambda", "getObjectContext"],
  ["an event of Cognito", "triggerSource"],
  ["a request of CloudFormation", "RequestType", "StackId"],
  ["a request of CodePipeline", "CodePipeline.job"],
  ["a hook of CodeDeploy", "LifecycleEventHookExecutionId"],
  ["a rotation of Secrets Manager", "SecretId", "ClientRequestToken"],
  ["a rule of AWS Config", "invokingEvent"],
  ["a request of AppSync", "arguments", "info"],
  ["a request of Bedrock", "agent", "actionGroup"],
  ["a request of Bedrock", "agent", "function"],
  ["a request of Lex", "bot", "sessionState"],
  ["a request of Alexa", "session", "request"],
  ["a contact of Amazon Connect", "Details", "Name"],
  ["the result of another function (a destination of Lambda)", "requestPayload"],
  ["a mapped request of API Gateway (no proxy integration)", "body-json"],
  ["a request of VPC Lattice in its version V1 (set V2 for the target group)", "raw_path", "method"],
  ["the example of Lambda's console", "key1", "key2", "key3"],
];

/** The form of a source's name. Anything else may be part of the event's content, and is not shown. */
const sourceName = /^[\w.:/-]{1,64}$/;

/** Names the source of an event, for an error. The name holds none of the event's content. */
export function nameOfEvent(event: unknown): string {
  if (Array.isArray(event)) {
    const from = eventSourceOf(event[0]);
    return `a list of ${event.length} ${event.length === 1 ? "event" : "events"}${from ? ` of ${from}` : ""}, as EventBridge Pipes and Step Functions send it`;
  }
  if (typeof event !== "object" || event === null) {
    return event === null || event === undefined ? `no event (${event})` : `a ${typeof event}`;
  }
  const fields = event as Fields;
  const { Records, source, requestContext } = fields;
  const from = eventSourceOf(fields);
  if (Array.isArray(Records))
    return `Records of ${eventSourceOf(Records[0]) ?? "another source (SQS, SNS, S3 or a stream)"}`;
  if (from) return `events of ${from}`;
  const known = sources.find(([, ...names]) => names.every((name) => Object.hasOwn(fields, name)));
  if (known) return known[0];
  if (isFields(requestContext) && Object.hasOwn(requestContext, "connectionId")) {
    return "a message of an API Gateway WebSocket";
  }
  if (Object.hasOwn(fields, "detail-type")) {
    const isNamed = typeof source === "string" && sourceName.test(source);
    return `an event of EventBridge${isNamed ? ` from ${source}` : ""}`;
  }
  return `an event that it does not know, of ${Object.keys(fields).length} fields`;
}

/** The source that an event source mapping writes into each record, such as `aws:sqs`. SNS spells the field with a capital. */
function eventSourceOf(record: unknown): string | null {
  if (!isFields(record)) return null;
  const { eventSource = record.EventSource } = record;
  if (typeof eventSource === "string" && sourceName.test(eventSource)) return eventSource;
  return Object.hasOwn(record, "cf") ? "CloudFront" : null;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}
