type Fields = Readonly<Record<string, unknown>>;

/** A form of request event, recognised as Hono's adapter for Lambda recognises it. */
interface Form {
  isMet(event: Fields, context: Fields): boolean;
  /** The field of its path. The event is a request only where this and the method are texts. */
  readonly path: "path" | "rawPath";
  method(event: Fields, context: Fields): unknown;
}

/**
 * In Hono's order. Sources: Lambda Developer Guide, "Application Load Balancer", "Function URLs"; VPC Lattice User Guide,
 * "Lambda functions as targets" (version V2); API Gateway Developer Guide, "Proxy integrations", both payload formats.
 */
const forms: readonly Form[] = [
  {
    // A load balancer.
    isMet: (_event, context) => Object.hasOwn(context, "elb"),
    path: "path",
    method: (event) => event.httpMethod,
  },
  {
    // A function URL, or API Gateway v2.
    isMet: (event, context) => Object.hasOwn(event, "rawPath") && Object.hasOwn(context, "http"),
    path: "rawPath",
    method: (_event, context) => fieldsOf(context.http).method,
  },
  {
    // VPC Lattice v2.
    isMet: (_event, context) => Object.hasOwn(context, "serviceArn"),
    path: "path",
    method: (event) => event.method,
  },
  // API Gateway v1.
  { isMet: () => true, path: "path", method: (event) => event.httpMethod },
];

/** Fields of an authorizer's event, which looks like a request and is none: it asks whether a request may pass. */
const authorizerFields = ["type", "methodArn", "routeArn", "authorizationToken"];

/**
 * The event of a request for Hono's adapter, with the API's stage removed from its path (`/prod/drain`); null for any other event.
 */
export function readHttpEvent(event: Fields): object | null {
  const { requestContext } = event;
  if (typeof requestContext !== "object" || requestContext === null) return null;
  if (authorizerFields.some((name) => Object.hasOwn(event, name))) return null;
  const context = requestContext as Fields;
  const form = forms.find(({ isMet }) => isMet(event, context));
  const path = form && event[form.path];
  if (!form || typeof path !== "string" || typeof form.method(event, context) !== "string") return null;
  return { ...event, [form.path]: withoutStage(path, context.stage) };
}

/** HTTP APIs put the stage before the path, REST APIs do not. */
function withoutStage(path: string, stage: unknown): string {
  return typeof stage === "string" && path.startsWith(`/${stage}/`) ? path.slice(stage.length + 1) : path;
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}
