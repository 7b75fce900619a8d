import { table, whole } from "../markdown.ts";
import { assumed, measured, published } from "./limits.ts";
import { prices } from "./prices.ts";

/** What a day is made of, beside its messages: a handler of 100 ms, ten at once, in functions of 256 MB that run 60 s. */
const load = {
  handlerMs: 100,
  concurrency: 10,
  gb: 0.25,
  hopMs: 60_000,
  commandsPerMessage: measured.commandsPerMessage,
  /** What a message is on its way to Redis and from there, GB. */
  gbPerMessage: 2 * 1e-6,
  /** The busiest hour has so many times the messages of an average one. */
  peak: 3,
} as const;

const days = [1e6, 100e6, 10e9] as const;

/** Chains, Redis nodes, commands and dollars of a day, by its messages. */
export function dailyTable(): string {
  const { handlerMs, concurrency, gb, hopMs, commandsPerMessage, gbPerMessage, peak } = load;
  const lines = days.map((messages) => {
    const peakPerSecond = (messages * peak) / 86_400;
    const drainSeconds = (messages * handlerMs) / concurrency / 1_000;
    const commands = messages * commandsPerMessage;
    const peakCommands = peakPerSecond * commandsPerMessage;
    const requests = (drainSeconds * 1_000) / hopMs;
    const dollars = requests * prices.lambdaPerRequest + drainSeconds * gb * prices.lambdaPerGbSecond;
    return [
      whole(messages),
      whole(peakPerSecond),
      whole(Math.ceil((peakPerSecond * handlerMs) / concurrency / 1_000)),
      whole(Math.ceil(peakPerSecond / assumed.redisMessagesPerSecond)),
      whole(Math.ceil(peakCommands / published.upstashCommandsPerSecond)),
      whole(commands),
      money(commands * prices.upstashPerCommand),
      money(messages * gbPerMessage * prices.upstashPerGb),
      money(dollars),
    ];
  });
  const titles = [
    "messages a day",
    "a second, at the peak",
    "chains",
    "Redis nodes",
    "or Upstash databases",
    "commands a day",
    "Upstash commands, $ a day",
    "Upstash traffic, $ a day",
    "Lambda, $ a day",
  ];
  const says = `Handlers of ${handlerMs} ms, ${concurrency} at once, drains of ${hopMs / 1_000} s in ${gb * 1_024} MB; a peak of ${peak} times the average; messages of 1 KB in batches of 100, with ${commandsPerMessage} commands a message. This counts the commands inside scripts, since Upstash does not say whether it bills them. A Redis node is assumed to carry ${whole(assumed.redisMessagesPerSecond)} messages a second, an Upstash database ${whole(published.upstashCommandsPerSecond)} commands a second.`;
  return `${says}\n\n${table([titles, ...lines])}`;
}

function money(value: number): string {
  return value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}
