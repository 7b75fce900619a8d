/** Events as AWS sends them, cut to what tells them apart. Add a row for what has been met. */
export type EventRow = readonly [name: string, event: unknown];

/** What no error may show: each foreign event carries it. */
export const carried = "what-it-carries@example.org";

const scheduled = {
  version: "0",
  id: "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
  "detail-type": "Scheduled Event",
  account: "123456789012",
  time: "2026-11-27T08:00:00Z",
  region: "eu-central-1",
};

export const ticks: readonly EventRow[] = [
  ["our infrastructure's input", { spillway: "tick" }],
  ["an empty object, as the CLI sends it without a payload", {}],
  [
    "a rule of EventBridge",
    { ...scheduled, source: "aws.events", resources: ["arn:aws:events:eu-central-1:1:rule/r"], detail: {} },
  ],
  [
    "EventBridge Scheduler without an input",
    {
      ...scheduled,
      source: "aws.scheduler",
      resources: ["arn:aws:scheduler:eu-central-1:1:schedule/default/s"],
      detail: "{}",
    },
  ],
  ["a scheduled event cut short by hand", { source: "aws.scheduler" }],
];

const hop = { list: "mail", chainId: "chain", hop: 4 };

/** Events that are for another function; the words by which the error names them. */
export const foreignEvents: readonly (readonly [...EventRow, named: string | RegExp])[] = [
  ["SQS", { Records: [{ eventSource: "aws:sqs", body: carried }] }, "aws:sqs"],
  ["SNS", { Records: [{ EventSource: "aws:sns", Sns: { Message: carried } }] }, "aws:sns"],
  ["S3", { Records: [{ eventSource: "aws:s3", s3: { object: { key: carried } } }] }, "aws:s3"],
  [
    "DynamoDB",
    { Records: [{ eventSource: "aws:dynamodb", dynamodb: { Keys: { id: { S: carried } } } }] },
    "aws:dynamodb",
  ],
  ["Kinesis", { Records: [{ eventSource: "aws:kinesis", kinesis: { data: carried } }] }, "aws:kinesis"],
  [
    "a Kinesis window that ends",
    { Records: [], window: {}, state: { of: carried }, isFinalInvokeForWindow: true },
    "Records",
  ],
  ["CloudFront", { Records: [{ cf: { request: { uri: carried } } }] }, "CloudFront"],
  ["Records of nobody", { Records: [{ body: carried }] }, "SQS"],
  [
    "Kafka (MSK)",
    { eventSource: "aws:kafka", eventSourceArn: "arn", records: { "topic-0": [{ value: carried }] } },
    "aws:kafka",
  ],
  [
    "Kafka (self-managed)",
    { eventSource: "SelfManagedKafka", bootstrapServers: "b:9092", records: { "t-0": [{ value: carried }] } },
    "SelfManagedKafka",
  ],
  ["ActiveMQ", { eventSource: "aws:mq", messages: [{ data: carried }] }, "aws:mq"],
  ["RabbitMQ", { eventSource: "aws:rmq", rmqMessagesByQueue: { "q::/": [{ data: carried }] } }, "aws:rmq"],
  ["DocumentDB", { eventSource: "aws:docdb", events: [{ event: { fullDocument: carried } }] }, "aws:docdb"],
  [
    "Firehose",
    { invocationId: "i", deliveryStreamArn: "arn", region: "r", records: [{ data: carried }] },
    "Firehose",
  ],
  ["Flink", { invocationId: "i", applicationArn: "arn", records: [{ data: carried }] }, "Flink"],
  ["Pipes", [{ eventSource: "aws:sqs", body: carried }], /a list of 1 event of aws:sqs/],
  ["a list of nothing known", [carried, carried], /a list of 2 events/],
  ["an empty list", [], /a list of 0 events/],
  ["CloudWatch Logs", { awslogs: { data: carried } }, "CloudWatch Logs"],
  [
    "a CloudWatch alarm",
    { source: "aws.cloudwatch", alarmArn: "arn", alarmData: { alarmName: carried } },
    "CloudWatch",
  ],
  [
    "S3 Batch Operations",
    { invocationSchemaVersion: "1.0", invocationId: "i", job: { id: "j" }, tasks: [{ s3Key: carried }] },
    "S3 Batch",
  ],
  [
    "S3 Object Lambda",
    { xAmzRequestId: "r", getObjectContext: { inputS3Url: carried }, protocolVersion: "1.00" },
    "S3 Object Lambda",
  ],
  [
    "Cognito",
    {
      version: "1",
      triggerSource: "PreSignUp_SignUp",
      userPoolId: "p",
      request: { userAttributes: { email: carried } },
      response: {},
    },
    "Cognito",
  ],
  [
    "CloudFormation",
    { RequestType: "Create", ResponseURL: carried, StackId: "arn", ResourceProperties: {} },
    "CloudFormation",
  ],
  [
    "CodePipeline",
    { "CodePipeline.job": { id: "j", data: { actionConfiguration: carried } } },
    "CodePipeline",
  ],
  ["CodeDeploy", { DeploymentId: "d", LifecycleEventHookExecutionId: carried }, "CodeDeploy"],
  [
    "Secrets Manager",
    { Step: "createSecret", SecretId: carried, ClientRequestToken: "t" },
    "Secrets Manager",
  ],
  ["AWS Config", { invokingEvent: carried, ruleParameters: "{}", resultToken: "t" }, "AWS Config"],
  ["AppSync", { arguments: { id: carried }, identity: null, info: { fieldName: "f" } }, "AppSync"],
  [
    "Bedrock with an API",
    {
      messageVersion: "1.0",
      agent: {},
      actionGroup: "g",
      httpMethod: "POST",
      apiPath: "/drain",
      inputText: carried,
    },
    "Bedrock",
  ],
  ["Lex", { bot: {}, sessionState: {}, inputTranscript: carried }, "Lex"],
  ["Alexa", { version: "1.0", session: {}, context: {}, request: { intent: carried } }, "Alexa"],
  ["Amazon Connect", { Name: "ContactFlowEvent", Details: { ContactData: carried } }, "Connect"],
  [
    "a destination of Lambda",
    {
      version: "1.0",
      requestContext: { functionArn: "arn", condition: "Success" },
      requestPayload: carried,
      responsePayload: {},
    },
    "another function",
  ],
  [
    "an object in S3, by EventBridge",
    {
      ...scheduled,
      source: "aws.s3",
      "detail-type": "Object Created",
      detail: { object: { key: carried } },
    },
    "EventBridge from aws.s3",
  ],
  [
    "a bus of one's own",
    { ...scheduled, source: "com.acme.orders", "detail-type": "Order", detail: { to: carried } },
    "com.acme.orders",
  ],
  [
    "a bus whose source is no name",
    { ...scheduled, source: `to ${carried} <b>`, "detail-type": "Order", detail: {} },
    /EventBridge,/,
  ],
  [
    "a schedule that carries something",
    { ...scheduled, source: "aws.scheduler", detail: { to: carried } },
    "aws.scheduler",
  ],
  [
    "a schedule with more beside it",
    { ...scheduled, source: "aws.events", detail: {}, body: carried },
    "aws.events",
  ],
  [
    "a scheduled event of another source",
    { ...scheduled, source: "com.acme", detail: {} },
    "EventBridge from com.acme",
  ],
  ["Step Functions, or any input", { to: carried, template: "welcome" }, /does not know, of 2 fields/],
  ["an input named by what it carries", { [carried]: true }, /does not know, of 1 fields/],
  ["IoT", { topic: "t", payload: carried, clientid: "c" }, "does not know"],
  ["the console's example", { key1: "value1", key2: carried, key3: "value3" }, "Lambda's console"],
  [
    "a WebSocket",
    {
      requestContext: { routeKey: "$default", eventType: "MESSAGE", connectionId: "c=", stage: "prod" },
      body: carried,
      isBase64Encoded: false,
    },
    "WebSocket",
  ],
  [
    "a WebSocket that opens",
    {
      headers: { Host: carried },
      multiValueHeaders: {},
      requestContext: { routeKey: "$connect", eventType: "CONNECT", connectionId: "c=", stage: "prod" },
    },
    "WebSocket",
  ],
  [
    "VPC Lattice in version V1",
    {
      raw_path: "/drain",
      method: "POST",
      headers: { host: carried },
      query_string_parameters: {},
      body: "",
      is_base64_encoded: false,
    },
    "VPC Lattice",
  ],
  [
    "an authorizer of a REST API",
    {
      type: "REQUEST",
      methodArn: "arn",
      resource: "/drain",
      path: "/drain",
      httpMethod: "POST",
      headers: { authorization: carried },
      requestContext: { stage: "prod", httpMethod: "POST" },
    },
    "authorizer",
  ],
  ["an authorizer by token", { type: "TOKEN", methodArn: "arn", authorizationToken: carried }, "authorizer"],
  [
    "an authorizer of an HTTP API",
    {
      version: "2.0",
      type: "REQUEST",
      routeArn: "arn",
      identitySource: [carried],
      rawPath: "/drain",
      rawQueryString: "",
      headers: {},
      requestContext: { http: { method: "POST", path: "/drain" }, stage: "$default" },
    },
    "authorizer",
  ],
  [
    "a mapped request of API Gateway",
    { "body-json": { spillway: hop, to: carried }, params: {}, context: {} },
    "API Gateway",
  ],
  ["a caller's body with a hop in it", { spillway: hop, body: carried }, "a hop with more beside it"],
  ["a caller's body with a tick in it", { spillway: "tick", body: carried }, "a hop with more beside it"],
  ["half a request", { requestContext: { http: { method: "POST" } }, body: carried }, "does not know"],
  ["half a v1 request", { httpMethod: "POST", path: "/drain", body: carried }, "does not know"],
  ["null", null, "no event"],
  ["nothing", undefined, "no event"],
  ["a text", carried, "a string"],
  ["a number", 7, "a number"],
];

/** Hops that no drain has sent. */
export const malformedHops: readonly EventRow[] = [
  ["null", null],
  ["an empty object", {}],
  ["another word", "tock"],
  ["hop 0", { ...hop, hop: 0 }],
  ["a list that is no text", { ...hop, list: 1 }],
  ["a field too many", { ...hop, to: carried }],
  ["a list of them", [hop]],
];

interface Call {
  readonly method: string;
  readonly path: string;
  readonly authorization: string;
}

/** One request in each form in which it may come. */
export const httpEvents: readonly (readonly [name: string, make: (call: Call) => object])[] = [
  [
    "a function URL",
    ({ method, path, authorization }) => ({
      version: "2.0",
      routeKey: "$default",
      rawPath: path,
      rawQueryString: "",
      headers: { authorization },
      requestContext: { http: { method, path }, domainName: "x.lambda-url.aws", stage: "$default" },
      isBase64Encoded: false,
    }),
  ],
  [
    "API Gateway v2 with a named stage",
    ({ method, path, authorization }) => ({
      version: "2.0",
      routeKey: "ANY /{proxy+}",
      rawPath: `/prod${path}`,
      rawQueryString: "",
      headers: { authorization },
      requestContext: { http: { method, path: `/prod${path}` }, domainName: "api.example", stage: "prod" },
      isBase64Encoded: false,
    }),
  ],
  [
    "API Gateway v2 with a stage named as a route",
    ({ method, path, authorization }) => ({
      version: "2.0",
      routeKey: "$default",
      rawPath: `/drain${path}`,
      rawQueryString: "",
      headers: { authorization },
      requestContext: { http: { method, path: `/drain${path}` }, domainName: "api.example", stage: "drain" },
      isBase64Encoded: false,
    }),
  ],
  [
    "API Gateway v1",
    ({ method, path, authorization }) => ({
      httpMethod: method,
      path,
      resource: "/{proxy+}",
      headers: { authorization, Host: "api.example" },
      multiValueHeaders: { authorization: [authorization], Host: ["api.example"] },
      queryStringParameters: null,
      multiValueQueryStringParameters: null,
      requestContext: { domainName: "api.example", httpMethod: method, path: `/prod${path}`, stage: "prod" },
      body: null,
      isBase64Encoded: false,
    }),
  ],
  [
    "API Gateway v1, as an HTTP API with its stage in the path sends it",
    ({ method, path, authorization }) => ({
      version: "1.0",
      httpMethod: method,
      path: `/prod${path}`,
      resource: "/{proxy+}",
      headers: { authorization, Host: "api.example" },
      multiValueHeaders: { authorization: [authorization], Host: ["api.example"] },
      queryStringParameters: null,
      multiValueQueryStringParameters: null,
      requestContext: { domainName: "api.example", httpMethod: method, path: `/prod${path}`, stage: "prod" },
      body: null,
      isBase64Encoded: false,
    }),
  ],
  [
    "a load balancer",
    ({ method, path, authorization }) => ({
      httpMethod: method,
      path,
      headers: { authorization, host: "alb.example" },
      queryStringParameters: {},
      requestContext: { elb: { targetGroupArn: "arn" } },
      body: "",
      isBase64Encoded: false,
    }),
  ],
  [
    "a load balancer with multi-value headers",
    ({ method, path, authorization }) => ({
      httpMethod: method,
      path,
      multiValueHeaders: { authorization: [authorization], host: ["alb.example"] },
      multiValueQueryStringParameters: {},
      requestContext: { elb: { targetGroupArn: "arn" } },
      body: "",
      isBase64Encoded: false,
    }),
  ],
  [
    "VPC Lattice in version V2",
    ({ method, path, authorization }) => ({
      version: "2.0",
      path,
      method,
      headers: { authorization: [authorization], host: ["lattice.example"] },
      queryStringParameters: {},
      isBase64Encoded: false,
      requestContext: { serviceNetworkArn: "arn", serviceArn: "arn", targetGroupArn: "arn", region: "r" },
    }),
  ],
];
