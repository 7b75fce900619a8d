import { table, whole } from "../markdown.ts";
import { measured } from "./limits.ts";
import { prices } from "./prices.ts";

/** What the bills on the platforms' pages are reckoned with. */
const assumed = {
  messages: 1_000_000,
  /** Ticks of 30 days, one a minute. */
  ticks: 30 * 24 * 60,
  lambdaGb: 0.25,
  /** How long an invocation that goes on drains before it hands on, s. */
  lambdaHopSeconds: 58,
  /** Handlers of 10 ms, ten at once, in batches of 100, and 30 ms a batch in which none runs. */
  lambdaSeconds: 1_000 + (1_000_000 / 100) * 0.03,
  /** Handlers of 1 ms, ten at once, and as long again between the batches. */
  lambdaSecondsQuick: 200,
  lambdaSecondsOfTick: 0.05,
  logGbOfTick: 1e-6,
  /** What a hop of 50 subrequests handles, a batch of 100 being one. */
  messagesOfAlarm: 4_000,
  workerSeconds: (1_000_000 * 0.1) / 10,
  workerGb: 0.128,
} as const;

/** What the pages say of costs between their marks: by page, by the name of the mark. */
export function bills(): Readonly<Record<string, Readonly<Record<string, string>>>> {
  return {
    "aws.md": { "lambda bill": lambdaBill() },
    "cloudflare.md": { "workers bill": workersBill() },
    "edge.md": { "commands bill": commandsBill() },
  };
}

function lambdaBill(): string {
  const { messages, ticks, lambdaGb, lambdaHopSeconds, lambdaSeconds, lambdaSecondsQuick } = assumed;
  const column = (perMessage: number, seconds: number) => {
    const commands = messages * perMessage;
    const hops = Math.ceil(seconds / lambdaHopSeconds);
    const costs = [
      commands * prices.upstashPerCommand,
      seconds * lambdaGb * prices.lambdaPerGbSecond,
      hops * prices.lambdaPerRequest,
    ];
    const [ofCommands = 0, ofTime = 0, ofRequests = 0] = costs;
    return [
      `${whole(commands)}: ${dollars(ofCommands)}`,
      `${whole(seconds)} s of ${lambdaGb} GB: ${dollars(ofTime)}`,
      `${hops}: ${dollars(ofRequests)}`,
      `**${dollars(sum(costs))}**`,
    ];
  };
  const hundred = column(measured.commandsPerMessage, lambdaSeconds);
  const grown = column(measured.commandsPerMessageGrown, lambdaSecondsQuick);
  const names = ["Redis commands", "Lambda time", "Lambda requests", "**together**"];
  const idle = [
    ticks * prices.upstashPerCommand,
    ticks * prices.lambdaPerRequest +
      ticks * assumed.lambdaSecondsOfTick * lambdaGb * prices.lambdaPerGbSecond,
    ticks * assumed.logGbOfTick * prices.cloudWatchPerLogGb,
  ];
  const [commands = 0, lambda = 0, logs = 0] = idle;
  const watched = 17 * prices.cloudWatchPerMetric + 8 * prices.cloudWatchPerAlarm;
  return [
    `Upstash takes ${dollars(prices.upstashPerCommand * 100_000)} for 100,000 commands, Lambda ${dollars(prices.lambdaPerRequest * 1e6)} for a million requests and ${dollars(prices.lambdaPerGbSecond * 100_000)} for 100,000 GB-seconds on Arm.`,
    table([
      [
        "a million messages",
        "batches of 100, handlers of 10 ms, 10 at once",
        "handlers of 1 ms, in batches that grow",
      ],
      ...names.map((name, at) => [name, hundred[at] ?? "", grown[at] ?? ""]),
    ]),
    table([
      ["a month of ticks that find nothing, one a minute", ""],
      ["Redis commands", `${whole(ticks)}: ${dollars(commands)}`],
      ["Lambda", `${whole(ticks)} requests of 50 ms and ${lambdaGb} GB: ${dollars(lambda)}`],
      ["EventBridge Scheduler", "free below 14 million calls"],
      ["logs", `about 1 KB a tick: ${dollars(logs)}`],
      ["**together**", `**${dollars(sum(idle))}**`],
      [
        "metrics and alarms",
        `at most 17 metrics and 8 alarms: ${dollars(watched)}, less what is free (ten of each in an account)`,
      ],
    ]),
  ].join("\n\n");
}

function workersBill(): string {
  const { messages, ticks, messagesOfAlarm, workerSeconds, workerGb } = assumed;
  const commands = messages * measured.commandsPerMessage;
  const alarms = messages / messagesOfAlarm;
  const gbSeconds = workerSeconds * workerGb;
  const costs = [
    commands * prices.upstashPerCommand,
    alarms * prices.objectPerRequest,
    2 * alarms * prices.objectPerRow,
    gbSeconds * prices.objectPerGbSecond,
  ];
  const [ofCommands = 0, ofAlarms = 0, ofRows = 0, ofTime = 0] = costs;
  return [
    table([
      ["a million messages", "how many", "price", "cost"],
      [
        "Redis commands",
        `${whole(commands)}`,
        `${dollars(prices.upstashPerCommand * 100_000)} for 100,000`,
        dollars(ofCommands),
      ],
      [
        `alarms, each with ${whole(messagesOfAlarm)} messages (50 subrequests)`,
        whole(alarms),
        `${dollars(prices.objectPerRequest * 1e6)} for a million`,
        dollars(ofAlarms),
      ],
      [
        "rows written, 2 an alarm",
        whole(2 * alarms),
        `${dollars(prices.objectPerRow * 1e6)} for a million`,
        dollars(ofRows),
      ],
      [
        "duration, handlers of 100 ms, ten at once",
        `${whole(gbSeconds)} GB-s`,
        `${dollars(prices.objectPerGbSecond * 1e6)} for a million`,
        dollars(ofTime),
      ],
      ["**together**", "", "", `**${dollars(sum(costs))}**`],
    ]),
    `An idle month, with a tick a minute, has ${whole(ticks)} Redis commands (${dollars(ticks * prices.upstashPerCommand)}), ${whole(2 * ticks)} requests of the Durable Object (${dollars(2 * ticks * prices.objectPerRequest)}) and ${whole(ticks)} rows written (${dollars(ticks * prices.objectPerRow)}). With \`queueContinuation\` each hop is 3 operations of a Queue (it is written, read and deleted), at ${dollars(prices.queuePerOperation * 1e6)} for a million. A producer that pushes each message by itself pays one Redis command a message: ${dollars(messages * prices.upstashPerCommand)} for a million.`,
  ].join("\n\n");
}

function commandsBill(): string {
  const { messages, ticks } = assumed;
  const cost = (commands: number): string =>
    `${whole(commands)} (${dollars(commands * prices.upstashPerCommand)})`;
  return `A million messages in batches of 100 take about ${cost(messages * measured.commandsPerMessage)} Redis commands; with quick handlers, whose batches grow, about ${cost(messages * measured.commandsPerMessageGrown)}. A month of ticks that find nothing, one a minute, takes ${cost(ticks)}. These are prices of Upstash, ${dollars(prices.upstashPerCommand * 100_000)} for 100,000 commands.`;
}

function sum(costs: readonly number[]): number {
  return costs.reduce((total, cost) => total + cost, 0);
}

/** Dollars and cents, and of less than a cent one figure. */
function dollars(value: number): string {
  if (value >= 0.01) return `$${value.toFixed(2)}`;
  return value < 0.0001 ? "less than $0.0001" : `$${value.toFixed(4).replace(/0+$/, "")}`;
}
