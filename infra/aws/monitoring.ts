import {
  Alarm,
  ComparisonOperator,
  Dashboard,
  GraphWidget,
  type IMetric,
  LogQueryVisualizationType,
  LogQueryWidget,
  Metric,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { ILogGroup } from "aws-cdk-lib/aws-logs";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Duration } from "aws-cdk-lib/core";
import type { Construct } from "constructs";
import { listDimension } from "../../adapters/hosts/lambda/list-dimension.ts";

interface About {
  readonly scope: Construct;
  readonly list: string;
  readonly function: IFunction;
  readonly logGroup: ILogGroup;
  readonly timeout: Duration;
  readonly schedule: Duration;
}

const fiveMinutes = Duration.minutes(5);

/** One of the metrics that `lambdaHandler` logs with each report. */
function drainMetric(list: string, metricName: string, statistic: string, period = fiveMinutes): Metric {
  const dimensionsMap = { List: listDimension(list) };
  return new Metric({ namespace: "Spillway", metricName, dimensionsMap, statistic, period });
}

/** The alarms, by name. */
export function drainAlarms(
  about: About & { readonly behindAfter: Duration; readonly topic: ITopic | undefined },
): Record<string, Alarm> {
  const { scope, list, behindAfter, topic } = about;
  const alarm = (
    id: string,
    description: string,
    metric: IMetric,
    options: { periods?: number; missing?: TreatMissingData; threshold?: number } = {},
  ): Alarm => {
    const made = new Alarm(scope, `${id}Alarm`, {
      alarmDescription: `${list}: ${description}`,
      metric,
      threshold: options.threshold ?? 0,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: options.periods ?? 1,
      treatMissingData: options.missing ?? TreatMissingData.NOT_BREACHING,
    });
    if (topic) made.addAlarmAction(new SnsAction(topic));
    return made;
  };
  // Each drain reports once, at its end, so a period must be long enough for one to end in it.
  const reportEvery = Duration.minutes(
    Math.max(Math.ceil(about.timeout.toMinutes({ integral: false })), about.schedule.toMinutes()),
  );
  return {
    functionErrors: alarm(
      "FunctionErrors",
      "invocations failed: they timed out, ran out of memory, or could not start (a secret, a bundle)",
      about.function.metricErrors({ period: fiveMinutes, statistic: "Sum" }),
    ),
    throttles: alarm(
      "Throttles",
      "invocations were throttled for a quarter of an hour: too little concurrency is left",
      about.function.metricThrottles({ period: fiveMinutes, statistic: "Sum" }),
      { periods: 3 },
    ),
    drainErrors: alarm(
      "DrainErrors",
      "drains ended with an error for a quarter of an hour, as when Redis is away or refuses the token",
      drainMetric(list, "Errors", "Sum"),
      { periods: 3 },
    ),
    chainBroken: alarm(
      "ChainBroken",
      "drains could not invoke the next one for a quarter of an hour; the schedule goes on alone",
      drainMetric(list, "ChainBroken", "Sum"),
      { periods: 3 },
    ),
    braked: alarm(
      "Braked",
      "the brake has held the list for a quarter of an hour: what handlers need is away, or no message can be read",
      drainMetric(list, "Braked", "Sum"),
      { periods: 3 },
    ),
    messageAge: alarm(
      "MessageAge",
      `a message was older than ${behindAfter.toHumanString()} when it was claimed, by what it says itself (sentAt)`,
      drainMetric(list, "OldestMs", "Maximum"),
      { threshold: behindAfter.toMilliseconds() },
    ),
    deadLetters: alarm(
      "DeadLetters",
      "messages have become dead letters: look at them, and redrive or purge",
      drainMetric(list, "DeadLettered", "Sum"),
    ),
    oldestMessage: alarm(
      "OldestMessage",
      `no drain has seen the list empty for ${behindAfter.toHumanString()}, or none has run: messages may be older than that`,
      drainMetric(list, "Remaining", "Minimum", reportEvery),
      {
        periods: Math.max(1, Math.ceil(behindAfter.toMinutes() / reportEvery.toMinutes())),
        missing: TreatMissingData.BREACHING,
      },
    ),
  };
}

/** What happened to messages, what waits, what went wrong, and what it costs. */
export function drainDashboard(about: About): Dashboard {
  const { scope, list } = about;
  const graph = (title: string, metrics: IMetric[]): GraphWidget =>
    new GraphWidget({ title, left: metrics, width: 12, height: 6 });
  const sums = (...names: string[]): Metric[] => names.map((name) => drainMetric(list, name, "Sum"));
  return new Dashboard(scope, "Dashboard", {
    widgets: [
      [
        graph("Messages", sums("Acked", "Retried", "DeadLettered", "Released")),
        graph("Waiting in the list", [
          drainMetric(list, "Remaining", "Minimum"),
          drainMetric(list, "Remaining", "Maximum"),
        ]),
      ],
      [
        graph("Trouble", [
          ...sums(
            "Failures",
            "Braked",
            "Errors",
            "ChainBroken",
            "LostLease",
            "Unsettled",
            "LeftBehind",
            "Recovered",
          ),
          about.function.metricErrors({ label: "Failed invocations" }),
          about.function.metricThrottles({ label: "Throttled invocations" }),
        ]),
        graph("Cost", [
          ...sums("Requests", "Commands"),
          about.function.metricInvocations({ label: "Invocations" }),
        ]),
      ],
      [
        graph("How long a drain takes, ms", [
          drainMetric(list, "ElapsedMs", "p50"),
          drainMetric(list, "ElapsedMs", "p99"),
        ]),
        graph("Age of the oldest message, ms, where messages say when they were sent", [
          drainMetric(list, "OldestMs", "Maximum"),
        ]),
      ],
      [
        new LogQueryWidget({
          title: "Failures by name",
          logGroupNames: [about.logGroup.logGroupName],
          view: LogQueryVisualizationType.TABLE,
          queryLines: [
            "filter ispresent(failures.0.name)",
            // The newest is the first: the others stand in the line itself.
            "stats sum(failures.0.count) as count, latest(failures.0.message) as message by failures.0.name as error",
            "sort count desc",
          ],
          width: 24,
          height: 6,
        }),
      ],
    ],
  });
}
