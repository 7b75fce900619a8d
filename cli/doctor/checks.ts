import { RedisReplyError, SpillwayError } from "../../src/index.ts";
import { clockSkew, latency, reachable } from "./connection.ts";
import { pushedEnd } from "./ends.ts";
import type { Check, Examination, Finding } from "./examination.ts";
import { keyTypes, unknownKeys } from "./keys.ts";
import { lambdaRecursion } from "./lambda.ts";
import { orphans, stuckMarks } from "./leases.ts";
import { rights } from "./rights.ts";
import { eviction, memoryLeft, persistence, version } from "./server.ts";
import { shardCount } from "./shards.ts";
import { hashSlots } from "./slots.ts";
import { held } from "./state.ts";

/** Every check but the first of all, in the order of the report. A new one gets its line here. */
const checks: readonly Check[] = [
  latency,
  clockSkew,
  version,
  eviction,
  persistence,
  memoryLeft,
  rights,
  shardCount,
  hashSlots,
  keyTypes,
  unknownKeys,
  stuckMarks,
  orphans,
  held,
  pushedEnd,
  lambdaRecursion,
];

export interface NamedFinding extends Finding {
  readonly check: string;
}

/** Looks at everything, one check after the other. Where Redis does not answer, that is all there is to say. */
export async function examineAll(
  examination: Examination,
  /** Those of the list's other shards. */
  others: readonly Examination[] = [],
): Promise<NamedFinding[]> {
  const first = await run(reachable, examination);
  if (first.some(({ level }) => level !== "ok")) return first;
  const findings = [...first];
  for (const check of checks) {
    if (check.isOfList && !examination.options.keys) continue;
    const isOfShards = check.isOfList && !check.isOfWhole && others.length > 0;
    findings.push(
      ...(isOfShards ? await runOnShards(check, [examination, ...others]) : await run(check, examination)),
    );
  }
  return findings;
}

/** What is well is said once, and what is not of each shard. */
async function runOnShards(check: Check, shards: readonly Examination[]): Promise<NamedFinding[]> {
  const found: NamedFinding[] = [];
  for (let at = 0; at < shards.length; at += shardsAtOnce) {
    const some = shards.slice(at, at + shardsAtOnce).map(async (one) => {
      const findings = await run(check, one);
      return findings.map((finding) => ({ ...finding, text: `${one.keys.name}: ${finding.text}` }));
    });
    found.push(...(await Promise.all(some)).flat());
  }
  const others = found.filter(({ level }) => level === "problem" || level === "warning");
  return others.length > 0 ? others : found.slice(0, 1);
}

/** Each looks for a second where producers push. */
const shardsAtOnce = 32;

async function run(check: Check, examination: Examination): Promise<NamedFinding[]> {
  const found = await check.examine(examination).catch(whatWentWrong);
  return [found].flat().map((finding) => ({ check: check.name, ...finding }));
}

/** What Redis refuses to tell is skipped; all else is what is wrong. */
function whatWentWrong(error: unknown): Finding {
  if (error instanceof RedisReplyError) {
    return { level: "skipped", text: `The server does not tell: ${error.message}` };
  }
  if (error instanceof SpillwayError) return { level: "problem", text: error.message };
  throw error;
}
