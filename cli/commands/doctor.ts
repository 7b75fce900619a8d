import { setTimeout } from "node:timers/promises";
import { Command } from "commander";
import { listKeys } from "../../src/internals.ts";
import { type ConnectionOptions, connect, withConnection } from "../connection.ts";
import { examineAll, type NamedFinding } from "../doctor/checks.ts";
import { Examination, type Finding } from "../doctor/examination.ts";
import type { Host } from "../host.ts";
import { visible } from "../safe-text.ts";
import { secretsOf, withoutSecrets } from "../secrets.ts";
import { doing, withExamples } from "../session.ts";
import type { Terminal, Tone } from "../terminal.ts";
import { wholeNumber } from "../values.ts";

interface DoctorOptions extends ConnectionOptions {
  readonly strict?: boolean;
  readonly watchMs: number;
  readonly lambda?: string;
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
    .option("--lambda <function>", "a Lambda function, whose recursion setting is read");
  withExamples(command, [
    ["spillway doctor emails", "the server, and the list"],
    ["spillway doctor", "the server alone"],
    ["spillway doctor emails --lambda emails-drain", "the Lambda function too"],
  ]);
  return doing<[string | undefined], DoctorOptions>(host, command, async (session, options, list) => {
    const keys = list === undefined ? undefined : listKeys(list);
    const { client, place, isRest } = await connect(options, session);
    const { timeoutMs, watchMs, lambda, cluster: isCluster = false } = options;
    const where = { client, place, isRest, isCluster, keys };
    const { signal } = session.lifetime;
    const watch = (): Promise<unknown> => setTimeout(watchMs, undefined, { signal }).catch(() => undefined);
    const rest = { timeoutMs, watch, lambda, environment: session.host.environment };
    const found = await examineAll(new Examination({ ...where, ...rest }));
    const secrets = secretsOf(session.host.args, session.host.environment);
    const findings = found.map((finding) => withoutSecretsIn(finding, secrets));
    const count = (level: Finding["level"]): number => findings.filter((one) => one.level === level).length;
    const [problems, warnings] = [count("problem"), count("warning")];
    session.terminal.show({ list: list ?? null, problems, warnings, findings }, [
      ...findings.flatMap((finding) => linesOf(session.terminal, finding)),
      "",
      `${problems} problems, ${warnings} warnings.`,
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
