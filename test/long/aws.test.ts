import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Match, Template } from "aws-cdk-lib/assertions";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { Topic } from "aws-cdk-lib/aws-sns";
import { App, Duration, Stack, Validations } from "aws-cdk-lib/core";
import { AwsSolutionsChecks } from "cdk-nag";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { figuresOf } from "../../adapters/http/figures.ts";
import { SpillwayDrain, type SpillwayDrainProps } from "../../infra/aws/index.ts";
import { DrainStack } from "../../infra/aws/stack.ts";
import type { DrainReport } from "../../src/index.ts";
import { startLambda } from "../support/lambda/emulator.ts";
import { startRest, startTestRedis, testToken } from "../support/redis.ts";
import { SideDoor } from "../support/side-door.ts";

/** Without CloudFormation's own rules, whose engine takes seconds to load: test/long holds the ready app to them. */
const plainly = { builtinCloudFormationValidation: false };
const unbundled = { ...plainly, context: { "aws:cdk:bundling-stacks": [] } };
const entry = fileURLToPath(new URL("../../infra/aws/drain.ts", import.meta.url));

/** What the construct makes of props, without bundling. */
function synthesize(props: Partial<SpillwayDrainProps> = {}): Template {
  const app = new App(unbundled);
  const stack = new Stack(app, "Test");
  new SpillwayDrain(stack, "Drain", { entry, list: "emails", ...props });
  return Template.fromStack(stack);
}

const statementsOf = (template: Template): { Action: unknown; Resource: unknown; Effect: string }[] =>
  Object.values(template.findResources("AWS::IAM::Policy")).flatMap(
    ({ Properties }) => Properties.PolicyDocument.Statement,
  );

describe("the ready AWS app", () => {
  let folder: string;
  let template: Template;
  let json: Record<string, { Type: string; Properties: Record<string, unknown> }>;
  let bundle: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "spillway-cdk-"));
    const app = new App({ ...plainly, outdir: folder });
    const stack = new DrainStack(app, "Spillway");
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    // Throws where a rule of cdk-nag is broken.
    app.synth();
    template = Template.fromStack(stack);
    json = template.toJSON().Resources;
    bundle = join(folder, readdirSync(folder).find((name) => name.startsWith("asset.")) ?? "");
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("breaks no rule of cdk-nag's AWS Solutions pack, and suppresses none", () => {
    const report = JSON.parse(readFileSync(join(folder, "validation-report.json"), "utf8"));
    expect(report.pluginReports).toEqual([]);
    expect(JSON.stringify(json)).not.toMatch(/suppress|acknowledge/i);
  });

  it("would be refused with a right too many", () => {
    const app = new App(unbundled);
    const { drain } = new DrainStack(app, "Spillway");
    drain.function.addToRolePolicy(new PolicyStatement({ actions: ["ssm:GetParameters"], resources: ["*"] }));
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    expect(() => app.synth()).toThrow("wildcard permissions");
  });

  it("has one function: arm64, the current Node, a recursion setting that its code knows of", () => {
    template.resourceCountIs("AWS::Lambda::Function", 1);
    template.hasResourceProperties("AWS::Lambda::Function", {
      Architectures: ["arm64"],
      Runtime: "nodejs24.x",
      Handler: "index.handler",
      Timeout: 60,
      MemorySize: 256,
      RecursiveLoop: "Allow",
      ReservedConcurrentExecutions: 3,
      Environment: { Variables: Match.objectLike({ SPILLWAY_RECURSIVE_LOOP: "Allow" }) },
    });
  });

  it("is bundled without the AWS SDK, with a source map", () => {
    const code = readFileSync(join(bundle, "index.mjs"), "utf8");
    expect(code).toMatch(/import\("@aws-sdk\/client-lambda"\)/);
    expect(code).toMatch(/import\("@aws-sdk\/client-ssm"\)/);
    expect(code).not.toMatch(/SignatureV4/);
    expect(code.length).toBeLessThan(322_000);
    expect(readFileSync(join(bundle, "index.mjs.map"), "utf8")).toContain('"mappings"');
  });

  it("never runs an event of its own twice, or an old one", () => {
    template.hasResourceProperties("AWS::Lambda::EventInvokeConfig", {
      MaximumRetryAttempts: 0,
      MaximumEventAgeInSeconds: 60,
      Qualifier: "$LATEST",
    });
  });

  it("ticks each minute, and no tick is retried", () => {
    template.hasResourceProperties("AWS::Scheduler::Schedule", {
      ScheduleExpression: "rate(1 minute)",
      FlexibleTimeWindow: { Mode: "OFF" },
      Target: Match.objectLike({
        Input: '{"spillway":"tick"}',
        RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },
      }),
    });
  });

  it("may write its logs, read its two parameters, and invoke itself: nothing else", () => {
    const isFunction = { "Fn::GetAtt": [expect.stringMatching(/^DrainFunction/), "Arn"] };
    const parameter = (name: string) => ({
      "Fn::Join": ["", expect.arrayContaining([`:parameter${name}`])],
    });
    const statements = statementsOf(template);
    expect(statements).toEqual(
      expect.arrayContaining([
        {
          Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
          Effect: "Allow",
          Resource: { "Fn::GetAtt": [expect.stringMatching(/^DrainLogs/), "Arn"] },
        },
        {
          Action: "ssm:GetParameters",
          Effect: "Allow",
          Resource: [parameter("/spillway/redis-url"), parameter("/spillway/redis-token")],
        },
        // The function itself, and the schedule.
        { Action: "lambda:InvokeFunction", Effect: "Allow", Resource: isFunction },
        { Action: "lambda:InvokeFunction", Effect: "Allow", Resource: isFunction },
      ]),
    );
    expect(statements.length).toBe(4);
    for (const { Properties } of Object.values(template.findResources("AWS::IAM::Role"))) {
      expect(Properties.ManagedPolicyArns).toBeUndefined();
    }
  });

  it("names its secrets, and holds none", () => {
    template.hasResourceProperties("AWS::Lambda::Function", {
      Environment: {
        Variables: Match.objectEquals({
          REDIS_URL_PARAMETER: "/spillway/redis-url",
          REDIS_TOKEN_PARAMETER: "/spillway/redis-token",
          SPILLWAY_LIST: "emails",
          SPILLWAY_MAX_CONCURRENCY: "1",
          SPILLWAY_RECURSIVE_LOOP: "Allow",
          NODE_OPTIONS: "--enable-source-maps",
        }),
      },
    });
  });

  it("keeps its logs for a month, and opens no URL", () => {
    template.hasResourceProperties("AWS::Logs::LogGroup", { RetentionInDays: 30 });
    template.resourceCountIs("AWS::Lambda::Url", 0);
  });

  it("has an alarm for each thing that can go wrong, and a dashboard", () => {
    const alarms = Object.values(template.findResources("AWS::CloudWatch::Alarm")).map(
      ({ Properties: { MetricName, Namespace, Statistic, EvaluationPeriods, TreatMissingData } }) =>
        [Namespace, MetricName, Statistic, EvaluationPeriods, TreatMissingData].join(" "),
    );
    expect(alarms.sort()).toEqual([
      "AWS/Lambda Errors Sum 1 notBreaching",
      "AWS/Lambda Throttles Sum 3 notBreaching",
      "Spillway Braked Sum 3 notBreaching",
      "Spillway ChainBroken Sum 3 notBreaching",
      "Spillway DeadLettered Sum 1 notBreaching",
      "Spillway Errors Sum 3 notBreaching",
      "Spillway OldestMs Maximum 1 notBreaching",
      // No report for a quarter of an hour is as bad as a list that is never empty.
      "Spillway Remaining Minimum 15 breaching",
    ]);
    template.resourceCountIs("AWS::CloudWatch::Dashboard", 1);
    template.hasResourceProperties("AWS::CloudWatch::Alarm", { MetricName: "OldestMs", Threshold: 900_000 });
  });

  it("shows on its dashboard the age, the dead letters, the brake, broken chains and failures by name", () => {
    const [dashboard] = Object.values(template.findResources("AWS::CloudWatch::Dashboard"));
    const body = JSON.stringify(dashboard);
    for (const shown of ["OldestMs", "DeadLettered", "Braked", "ChainBroken", "Failures", "failures.0.name"])
      expect(body).toContain(shown);
  });

  it("graphs and watches no metric that the drain does not log", () => {
    const known = { remaining: 1, oldestMs: 1, nextDueAt: null, failures: [] };
    const logged = Object.keys(figuresOf(known as unknown as DrainReport));
    const text = JSON.stringify([
      template.findResources("AWS::CloudWatch::Dashboard"),
      template.findResources("AWS::CloudWatch::Alarm"),
    ]);
    const used = [
      ...text.matchAll(/Spillway\\+",\\*"(\w+)/g),
      ...text.matchAll(/"MetricName":"(\w+)","Namespace":"Spillway"/g),
    ].map(([, name]) => name);
    expect(used.length).toBeGreaterThan(12);
    for (const name of used) expect(logged).toContain(name);
  });

  it("drains: what would be deployed runs on the emulator, with its own environment and parameters", async () => {
    const redis = await startTestRedis();
    const rest = await startRest(redis);
    const side = new SideDoor(redis.url);
    const lambda = await startLambda({
      parameters: { "/spillway/redis-url": rest.url, "/spillway/redis-token": testToken },
    });
    try {
      const made = Object.values(template.findResources("AWS::Lambda::Function"))[0]?.Properties;
      lambda.create({
        name: "drain",
        file: join(bundle, "index.mjs"),
        timeoutMs: made.Timeout * 1_000,
        environment: made.Environment.Variables,
        recursiveLoop: made.RecursiveLoop,
        maximumRetryAttempts: 0,
      });
      await side.redis.lpush("emails", "a", "b", "c");
      const schedule = Object.values(template.findResources("AWS::Scheduler::Schedule"))[0]?.Properties;
      await lambda.invoke("drain", JSON.parse(schedule.Target.Input), { type: "Event" });
      await lambda.idle();

      expect(lambda.invocations[0]?.result).toMatchObject({ stopped: "empty", acked: 3 });
      expect(lambda.invocations[0]?.logs.filter((line) => line.startsWith("Handled ")).length).toBe(3);
      expect(await side.everything()).toEqual({});
    } finally {
      side.close();
      await lambda.stop();
      await rest.close();
      await redis.stop();
    }
  });

  it("says which parameter is missing, and fails so that the alarm for it goes off", async () => {
    const lambda = await startLambda({ parameters: {} });
    try {
      lambda.create({
        name: "drain",
        file: join(bundle, "index.mjs"),
        timeoutMs: 10_000,
        environment: {
          REDIS_URL_PARAMETER: "/spillway/redis-url",
          REDIS_TOKEN_PARAMETER: "/spillway/redis-token",
        },
      });
      const { functionError, payload } = await lambda.invoke("drain", {});
      expect(functionError).toBe("Unhandled");
      expect(payload).toMatchObject({
        errorMessage: expect.stringContaining("The parameter /spillway/redis-url does not exist"),
      });
    } finally {
      await lambda.stop();
    }
  });
});

describe("SpillwayDrain", () => {
  it("reserves two invocations for each live drain, one for the tick, and one for the URL", () => {
    const reserved = (props: Partial<SpillwayDrainProps>): unknown =>
      Object.values(synthesize(props).findResources("AWS::Lambda::Function"))[0]?.Properties
        .ReservedConcurrentExecutions;
    expect(reserved({ maxConcurrency: 4 })).toBe(9);
    expect(reserved({ maxConcurrency: 4, functionUrl: "token" })).toBe(10);
    expect(reserved({ reservedConcurrency: 20 })).toBe(20);
    expect(reserved({ reservedConcurrency: false })).toBeUndefined();
  });

  it("opens a URL to those who sign, or to those who have the token", () => {
    synthesize({ functionUrl: "iam" }).hasResourceProperties("AWS::Lambda::Url", { AuthType: "AWS_IAM" });
    const open = synthesize({ functionUrl: "token" });
    open.hasResourceProperties("AWS::Lambda::Url", { AuthType: "NONE" });
    open.hasResourceProperties("AWS::Lambda::Permission", {
      Action: "lambda:InvokeFunctionUrl",
      FunctionUrlAuthType: "NONE",
    });
    // Since October 2025 a URL wants both.
    open.hasResourceProperties("AWS::Lambda::Permission", { Action: "lambda:InvokeFunction" });
  });

  it("keeps schedule, URL, chain and settings on an alias", () => {
    const template = synthesize({ alias: "live", functionUrl: "iam" });
    const alias = { Ref: Match.stringLikeRegexp("^DrainAlias") };
    template.hasResourceProperties("AWS::Lambda::Alias", { Name: "live" });
    template.hasResourceProperties("AWS::Scheduler::Schedule", { Target: Match.objectLike({ Arn: alias }) });
    template.hasResourceProperties("AWS::Lambda::EventInvokeConfig", {
      // Of the alias' ARN.
      Qualifier: { "Fn::Select": [7, { "Fn::Split": [":", alias] }] },
      MaximumRetryAttempts: 0,
    });
    template.hasResourceProperties("AWS::Lambda::Url", { Qualifier: "live" });
    template.hasResourceProperties("AWS::IAM::Policy", {
      PolicyName: Match.stringLikeRegexp("InvokeItself"),
      PolicyDocument: Match.objectLike({ Statement: [Match.objectLike({ Resource: alias })] }),
    });
  });

  it("reads secrets of Secrets Manager by their reference, with the right to read just those", () => {
    const app = new App(unbundled);
    const stack = new Stack(app, "Test");
    const token = Secret.fromSecretNameV2(stack, "Token", "redis/token");
    new SpillwayDrain(stack, "Drain", { entry, list: "emails", secrets: { TOKEN_PARAMETER: token } });
    const template = Template.fromStack(stack);
    template.hasResourceProperties("AWS::Lambda::Function", {
      Environment: {
        Variables: Match.objectLike({ TOKEN_PARAMETER: "/aws/reference/secretsmanager/redis/token" }),
      },
    });
    const actions = statementsOf(template).map(({ Action }) => Action);
    expect(actions).toContainEqual(["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]);
  });

  it("waits long enough for a report before it calls a list late", () => {
    const template = synthesize({ timeout: Duration.minutes(10), behindAfter: Duration.minutes(30) });
    template.hasResourceProperties("AWS::CloudWatch::Alarm", {
      MetricName: "Remaining",
      Period: 600,
      EvaluationPeriods: 3,
      TreatMissingData: "breaching",
    });
  });

  it("tells a topic of all alarms", () => {
    const app = new App(unbundled);
    const stack = new Stack(app, "Test");
    const alarmTopic = new Topic(stack, "Topic");
    new SpillwayDrain(stack, "Drain", { entry, list: "emails", alarmTopic, dashboard: false });
    const template = Template.fromStack(stack);
    template.allResourcesProperties("AWS::CloudWatch::Alarm", { AlarmActions: Match.anyValue() });
    template.resourceCountIs("AWS::CloudWatch::Dashboard", 0);
  });

  it.each<[string, Partial<SpillwayDrainProps>]>([
    ["list", { list: "" }],
    ["timeout", { timeout: Duration.minutes(16) }],
    ["timeout", { timeout: Duration.seconds(5) }],
    ["schedule", { schedule: Duration.seconds(90) }],
    ["maxConcurrency", { maxConcurrency: 0 }],
    ["functionUrl", { functionUrl: "open" as "none" }],
    ["secrets.TOKEN", { secrets: { TOKEN: "AXBzAAIncDE" } }],
    ["reservedConcurrency", { reservedConcurrency: 1 }],
  ])("refuses a %s that cannot work", (name, props) => {
    expect(() => synthesize(props)).toThrow(`"${name}" must be`);
  });
});

describe("the SAM template", () => {
  const template = parse(readFileSync(new URL("../../infra/aws/template.yaml", import.meta.url), "utf8"));
  const { Function: sam, InvokeItself, Logs, DeadLettersAlarm, OldestMessageAlarm } = template.Resources;

  it("says the same as the construct", () => {
    const made = (type: string) =>
      Object.values(readyTemplate().findResources(type)).map(({ Properties }) => Properties);
    const { Code, Role, Handler, LoggingConfig, Environment, ...properties } =
      made("AWS::Lambda::Function")[0];
    expect(sam.Properties).toMatchObject(properties);
    expect(Object.keys(sam.Properties.Environment.Variables)).toEqual(Object.keys(Environment.Variables));
    expect(sam.Properties.EventInvokeConfig).toEqual({
      MaximumRetryAttempts: 0,
      MaximumEventAgeInSeconds: 60,
    });
    expect(sam.Properties.Events.Tick.Properties).toEqual({
      ScheduleExpression: made("AWS::Scheduler::Schedule")[0].ScheduleExpression,
      Input: made("AWS::Scheduler::Schedule")[0].Target.Input,
      RetryPolicy: made("AWS::Scheduler::Schedule")[0].Target.RetryPolicy,
    });
    expect(InvokeItself.Properties.PolicyDocument.Statement).toEqual([
      { Effect: "Allow", Action: "lambda:InvokeFunction", Resource: { "Fn::GetAtt": ["Function", "Arn"] } },
    ]);
    expect(Logs.Properties).toMatchObject(made("AWS::Logs::LogGroup")[0]);
    for (const alarm of [DeadLettersAlarm, OldestMessageAlarm]) {
      const { AlarmDescription, Dimensions, ...rest } = alarm.Properties;
      expect(made("AWS::CloudWatch::Alarm")).toContainEqual(expect.objectContaining(rest));
    }
  });
});

/** The ready app's template, without bundling. */
function readyTemplate(): Template {
  const app = new App(unbundled);
  return Template.fromStack(new DrainStack(app, "Spillway"));
}
