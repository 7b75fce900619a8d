import { setTimeout } from "node:timers/promises";
import { Command } from "commander";
import { checkShards, listKeys, shardName } from "../../src/internals.ts";
import { type ConnectionOptions, connect, consumeFromOption, withConnection } from "../connection.ts";
import { counted } from "../counts.ts";
import { examineAll, type NamedFinding } from "../doctor/checks.ts";
import { Examination, type Finding } from "../doctor/examination.ts";
import type { Host } from "../host.ts";
import { visible } from "../safe-text.ts";
import { secretsOf, withoutSecrets } from "../secrets.ts";
import { doing, withExamples } from "../session.ts";
import type { Terminal, Tone } from "../terminal.ts";
import { readCount, wholeNumber } from "../values.ts";

interface DoctorOptions extends ConnectionOptions {
  readonly strict?: boolean;
  readonly watchMs: number;
  readonly lambda?: string;
  readonly shards?: number;
  readonly consumeFrom?: "left" | "right";
}

const signs: Readonly<Record<Finding["level"], readonly [sign: string, tone: Tone]>> = {
  ok: ["ok", "good"],
  warning: ["warning", "doubtful"],
  problem: ["problem", "bad"],
  skipped: ["skipped", "faint"],
};

export function doctorCommand(host: Host): Command {
  const command = withConnection(new Command("doctor").argument("[list]"))
    .description(
      "look for what stops drains or may lose messages, and say how it is mended. It writes nothing, and exits with 1 where it found a problem.",
    )
    .option("--strict", "exit with 1 for warnings too")
    .option("--watch-ms <ms>", "how long to watch where producers push", wholeNumber(0, 600_000), 1_000)
    .option("--shards <count>", "the list is spread over so many shards", readCount)
    .addOption(consumeFromOption())
    .option("--lambda <function>", "a Lambda function, whose recursion setting is read");
  withExamples(command, [
    ["spillway doctor emails", "the server, and the list"],
    ["spillway doctor", "the server alone"],
    ["spillway doctor emails --lambda emails-drain", "the Lambda function too"],
  ]);
  return doing<[string | undefined], DoctorOptions>(host, command, async (session, options, list) => {
    const {
      shards = 1,
      consumeFrom = "right",
      timeoutMs,
      watchMs,
      lambda,
      cluster: isCluster = false,
    } = options;
    if (list !== undefined && shards > 1) checkShards(list, shards);
    const names =
      list === undefined
        ? [undefined]
        : Array.from({ length: shards }, (_, at) => shardName(list, at, shards));
    const { client, place, isRest } = await connect(options, session);
    const where = { client, place, isRest, isCluster, wholeList: list ?? "", shards, consumeFrom };
    const watch = (): Promise<unknown> => setTimeout(watchMs);
    const rest = { timeoutMs, watch, lambda, environment: session.host.environment };
    const [first, ...others] = names.map(
      (name) => new Examination({ ...where, ...rest, keys: name === undefined ? undefined : listKeys(name) }),
    );
    const found = await examineAll(first as Examination, others);
    const secrets = secretsOf(session.host.args, session.host.environment);
    const findings = found.map((finding) => withoutSecretsIn(finding, secrets));
    const count = (level: Finding["level"]): number => findings.filter((one) => one.level === level).length;
    const [problems, warnings] = [count("problem"), count("warning")];
    session.terminal.show({ list: list ?? null, problems, warnings, findings }, [
      ...findings.flatMap((finding) => linesOf(session.terminal, finding)),
      "",
      `${counted(problems, "problem")}, ${counted(warnings, "warning")}.`,
    ]);
    return problems > 0 || (options.strict === true && warnings > 0) ? 1 : 0;
  });
}

function withoutSecretsIn(finding: NamedFinding, secrets: readonly string[]): NamedFinding {
  const { text, mend } = finding;
  const safe = { ...finding, text: withoutSecrets(text, secrets) };
  return mend === undefined ? safe : { ...safe, mend: withoutSecrets(mend, secrets) };
}

function linesOf(terminal: Terminal, { level, check, text, mend }: NamedFinding): string[] {
  const [sign, tone] = signs[level];
  const line = `${terminal.toned(sign.padEnd(8), tone)} ${check.padEnd(10)} ${visible(text)}`;
  return mend === undefined ? [line] : [line, `${" ".repeat(20)}${terminal.toned(visible(mend), "strong")}`];
}
