import type { Alarm, Dashboard } from "aws-cdk-lib/aws-cloudwatch";
import * as iam from "aws-cdk-lib/aws-iam";
import type { IKey } from "aws-cdk-lib/aws-kms";
import * as lambda from "aws-cdk-lib/aws-lambda";
import { type BundlingOptions, NodejsFunction, OutputFormat } from "aws-cdk-lib/aws-lambda-nodejs";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import { CfnSchedule } from "aws-cdk-lib/aws-scheduler";
import type { ISecret } from "aws-cdk-lib/aws-secretsmanager";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Duration, RemovalPolicy, Stack, Token } from "aws-cdk-lib/core";
import { Construct } from "constructs";
import { drainAlarms, drainDashboard } from "./monitoring.ts";

/** A secret: the name of an SSM `SecureString` parameter, which begins with a slash, or one of Secrets Manager. */
export type DrainSecret = string | ISecret;

export interface SpillwayDrainProps {
  /** The file whose export `handler` is made by `lambdaHandler` of `spillway/lambda`. */
  readonly entry: string;
  /** The Redis list. The function gets it as `SPILLWAY_LIST`; alarms and the dashboard are about it. */
  readonly list: string;
  /**
   * Secrets by the name of the environment variable that is to hold their *name*, never their value; the function reads
   * them with `parameters` of `spillway/lambda`, and may read no others.
   */
  readonly secrets?: Readonly<Record<string, DrainSecret>>;
  /** The KMS key of the `SecureString` parameters, if it is not the account's `aws/ssm`. */
  readonly secretsKey?: IKey;
  /** How often a tick looks for work. Default: each minute, the finest there is. */
  readonly schedule?: Duration;
  /**
   * Whether the function has a URL. `none` (default); `iam`: callers sign with SigV4; `token`: anyone may call, and the function
   * itself checks its bearer token (`lambdaHandler`'s option `token`).
   */
  readonly functionUrl?: "none" | "iam" | "token";
  /**
   * Longest invocation, 10 s to 15 min. Default: 1 minute. After a crash, a batch stays leased for about this long, and one more hop
   * costs only a five-millionth of a dollar: more time wins little.
   */
  readonly timeout?: Duration;
  /** MB. Default: 256. */
  readonly memorySize?: number;
  /** How many drains of the list may be live at once. The function gets it as `SPILLWAY_MAX_CONCURRENCY`. Default: 1. */
  readonly maxConcurrency?: number;
  /**
   * How many invocations may run at once. Default: two for each live drain, since a hop is invoked while the drain before it still
   * runs, one for the tick, and one more for the URL. `false` reserves none: new accounts have too little to reserve.
   */
  readonly reservedConcurrency?: number | false;
  /** An alias of this name, which the schedule, the URL and the chain then use. Default: none. */
  readonly alias?: string;
  /** More environment variables, but no secrets: everyone who may read the function's configuration can read these. */
  readonly environment?: Readonly<Record<string, string>>;
  /** More settings for esbuild. */
  readonly bundling?: BundlingOptions;
  /** Default: one month. */
  readonly logRetention?: RetentionDays;
  /** What becomes of the logs when the stack is deleted. Default: they are deleted too. */
  readonly logRemovalPolicy?: RemovalPolicy;
  /** Where alarms are sent. Default: nowhere; they only change their state. */
  readonly alarmTopic?: ITopic;
  /** How long messages may wait without the list ever being empty before that is an alarm. Default: 15 minutes. */
  readonly behindAfter?: Duration;
  /** Default: true. */
  readonly dashboard?: boolean;
}

/**
 * A drain on AWS Lambda: the function, its schedule, the right to invoke only itself, logs, alarms, and a dashboard. Throws
 * `RangeError` and `TypeError` for props that cannot work.
 */
export class SpillwayDrain extends Construct {
  readonly function: NodejsFunction;
  /** What the schedule invokes: the function, or its alias. */
  readonly target: lambda.IFunction;
  readonly url: lambda.FunctionUrl | undefined;
  readonly schedule: CfnSchedule;
  readonly alarms: Readonly<Record<string, Alarm>>;
  readonly dashboard: Dashboard | undefined;

  constructor(scope: Construct, id: string, props: SpillwayDrainProps) {
    super(scope, id);
    const checked = checkedProps(props);
    const { timeout, schedule } = checked;
    const logGroup = new LogGroup(this, "Logs", {
      retention: props.logRetention ?? RetentionDays.ONE_MONTH,
      removalPolicy: props.logRemovalPolicy ?? RemovalPolicy.DESTROY,
    });
    const role = new iam.Role(this, "Role", {
      assumedBy: new iam.ServicePrincipal("lambda.amazonaws.com"),
      description: "Writes its logs, reads its secrets, invokes itself",
    });
    logGroup.grantWrite(role);
    const environment = this.#grantSecrets(role, props);
    this.function = new NodejsFunction(this, "Function", {
      entry: props.entry,
      handler: "handler",
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      memorySize: props.memorySize ?? 256,
      timeout,
      role,
      logGroup,
      recursiveLoop: lambda.RecursiveLoop.ALLOW,
      ...(checked.reservedConcurrency === undefined
        ? {}
        : { reservedConcurrentExecutions: checked.reservedConcurrency }),
      environment: {
        ...props.environment,
        ...environment,
        SPILLWAY_LIST: props.list,
        SPILLWAY_MAX_CONCURRENCY: String(checked.maxConcurrency),
        // The code cannot read the recursion setting; without this it would end chains before Lambda does.
        SPILLWAY_RECURSIVE_LOOP: "Allow",
        NODE_OPTIONS: "--enable-source-maps",
      },
      bundling: {
        format: OutputFormat.ESM,
        target: "node24",
        minify: true,
        sourceMap: true,
        externalModules: ["@aws-sdk/*"],
        mainFields: ["module", "main"],
        ...props.bundling,
      },
    });
    this.target = props.alias === undefined ? this.function : this.#alias(props.alias);
    this.#allowItself(role);
    // Lambda's own retries would run a second chain beside the one that the schedule begins.
    this.target.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.seconds(60) });
    this.schedule = this.#scheduleTicks(schedule);
    this.url = this.#openUrl(props.functionUrl ?? "none");
    const about = { scope: this, list: props.list, function: this.target, logGroup, timeout, schedule };
    this.alarms = drainAlarms({
      ...about,
      behindAfter: props.behindAfter ?? Duration.minutes(15),
      topic: props.alarmTopic,
    });
    this.dashboard = props.dashboard === false ? undefined : drainDashboard(about);
  }

  /** Lets the role read the secrets, and returns the environment variables that name them. */
  #grantSecrets(role: iam.Role, { secrets = {}, secretsKey }: SpillwayDrainProps): Record<string, string> {
    const names: Record<string, string> = {};
    const resources: string[] = [];
    for (const [variable, secret] of Object.entries(secrets)) {
      const name = typeof secret === "string" ? secret : `/aws/reference/secretsmanager/${secret.secretName}`;
      if (typeof secret !== "string") secret.grantRead(role);
      names[variable] = name;
      resources.push(
        Stack.of(this).formatArn({ service: "ssm", resource: "parameter", resourceName: name.slice(1) }),
      );
    }
    if (resources.length > 0) {
      role.addToPolicy(new iam.PolicyStatement({ actions: ["ssm:GetParameters"], resources }));
    }
    secretsKey?.grantDecrypt(role);
    return names;
  }

  #alias(aliasName: string): lambda.IFunction {
    // The library's types and exactOptionalPropertyTypes differ about `role`.
    const version = this.function.currentVersion as lambda.IVersion;
    return new lambda.Alias(this, "Alias", { aliasName, version }) as lambda.IFunction;
  }

  /** A policy of its own: in the role's policy, the function and the role would depend on each other. */
  #allowItself(role: iam.Role): void {
    new iam.Policy(this, "InvokeItself", {
      roles: [role],
      statements: [
        new iam.PolicyStatement({
          actions: ["lambda:InvokeFunction"],
          resources: [this.target.functionArn],
        }),
      ],
    });
  }

  /** The library's own target would also be allowed to invoke every version. */
  #scheduleTicks(rate: Duration): CfnSchedule {
    const { account } = Stack.of(this);
    const role = new iam.Role(this, "ScheduleRole", {
      assumedBy: new iam.ServicePrincipal("scheduler.amazonaws.com", {
        conditions: { StringEquals: { "aws:SourceAccount": account } },
      }),
      description: "Lets the schedule invoke the drain",
    });
    role.addToPolicy(
      new iam.PolicyStatement({
        actions: ["lambda:InvokeFunction"],
        resources: [this.target.functionArn],
      }),
    );
    const minutes = rate.toMinutes();
    return new CfnSchedule(this, "Schedule", {
      description: "A tick: drains what is there, or ends after one Redis command",
      flexibleTimeWindow: { mode: "OFF" },
      scheduleExpression: `rate(${minutes} ${minutes === 1 ? "minute" : "minutes"})`,
      target: {
        arn: this.target.functionArn,
        roleArn: role.roleArn,
        input: '{"spillway":"tick"}',
        // The next tick does the work of a lost one.
        retryPolicy: { maximumRetryAttempts: 0, maximumEventAgeInSeconds: 60 },
      },
    });
  }

  #openUrl(kind: "none" | "iam" | "token"): lambda.FunctionUrl | undefined {
    if (kind === "none") return undefined;
    const authType = kind === "iam" ? lambda.FunctionUrlAuthType.AWS_IAM : lambda.FunctionUrlAuthType.NONE;
    return this.target.addFunctionUrl({ authType });
  }
}

const urlKinds = ["none", "iam", "token"];

function checkedProps(props: SpillwayDrainProps) {
  const { timeout = Duration.minutes(1), schedule = Duration.minutes(1), maxConcurrency = 1 } = props;
  if (typeof props.list !== "string" || props.list === "") {
    const given = props.list === "" ? '""' : typeof props.list;
    throw new TypeError(
      `"list" must be the name of a Redis list, with at least one character; got ${given}.`,
    );
  }
  const timeoutSeconds = timeout.toSeconds();
  if (timeoutSeconds < 10 || timeoutSeconds > 900) {
    throw new RangeError(`"timeout" must be from 10 s to 15 min; got ${timeoutSeconds} s.`);
  }
  if (schedule.toSeconds() % 60 !== 0 || schedule.toSeconds() < 60) {
    throw new RangeError(`"schedule" must be whole minutes; got ${schedule.toSeconds()} s.`);
  }
  if (!Number.isInteger(maxConcurrency) || maxConcurrency < 1 || maxConcurrency > 1_250) {
    throw new RangeError(`"maxConcurrency" must be a whole number from 1 to 1250; got ${maxConcurrency}.`);
  }
  if (!urlKinds.includes(props.functionUrl ?? "none")) {
    throw new TypeError(`"functionUrl" must be one of ${urlKinds.join(", ")}; got ${props.functionUrl}.`);
  }
  for (const [variable, secret] of Object.entries(props.secrets ?? {})) {
    if (typeof secret === "string" && !Token.isUnresolved(secret) && !secret.startsWith("/")) {
      throw new TypeError(
        `"secrets.${variable}" must be the name of an SSM parameter, which begins with a slash, or a secret of Secrets Manager. Is it the secret's value?`,
      );
    }
  }
  const least = 2 * maxConcurrency + 1;
  const { reservedConcurrency = least + ((props.functionUrl ?? "none") === "none" ? 0 : 1) } = props;
  if (
    reservedConcurrency !== false &&
    (!Number.isInteger(reservedConcurrency) || reservedConcurrency < least)
  ) {
    throw new RangeError(
      `"reservedConcurrency" must be at least ${least} for ${maxConcurrency} live drain(s), or a chain would throttle itself; got ${reservedConcurrency}.`,
    );
  }
  return {
    timeout,
    schedule,
    maxConcurrency,
    reservedConcurrency: reservedConcurrency === false ? undefined : reservedConcurrency,
  };
}
