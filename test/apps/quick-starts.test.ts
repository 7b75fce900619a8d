import { execFileSync } from "node:child_process";
import { chmod, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pages, type Sample, samplesOf } from "../docs/samples.ts";
import { Program } from "../support/program.ts";
import { useRestServer } from "../support/redis-under-test.ts";
import {
  drainOnLambda,
  drainOnNode,
  drainOnVercel,
  drainOnWorkers,
  type TemplatePlace,
} from "../support/template-hosts.ts";
import { emptyProject, type Project, pack, root } from "./project.ts";
import { type Registry, startRegistry } from "./registry.ts";

/*
 * What a stranger does, step by step from the pages, in an empty folder: every `sh` block that has `<!-- tried: … -->` in front of it is run as it stands.
 * The package comes from a registry of the test's own, all others as ever. What wants an account is stood in for, see `standIns`.
 */

const list = "emails";
const typedUrl = "https://typed.upstash.io";
const typedToken = "t0ken-that-is-typed-in";
/** The blocks that have the same name are steps of one way, in the order of their page. */
const steps = new Map<string, Sample[]>();
for (const sample of pages().flatMap(samplesOf)) {
  if (sample.tried !== undefined) steps.set(sample.tried, [...(steps.get(sample.tried) ?? []), sample]);
}

/** What the steps lead to: a drain, which its host runs once. Add yours. */
const outcomes: Readonly<Record<string, (place: TemplatePlace, printed: string) => Promise<void>>> = {
  async local(_, printed) {
    expect(printed).toMatch(/acked +615\b/);
  },
  async lambda(place) {
    // Lambda brings the SDK, and the stand-in for `aws` wrote down what it was given.
    await linkSdk();
    expect(await drainOnLambda(place, "./.aws-sam/build/Function/drain.mjs")).toMatch(/"acked":1\b/);
    const stored = await readFile(join(project.folder, "aws.log"), "utf8");
    expect(stored.match(/<.*>/g)).toEqual([`<${typedUrl}>`, `<${typedToken}>`]);
  },
  async worker(place) {
    const script = await readFile(join(place.folder, "built/worker.js"), "utf8");
    expect(await drainOnWorkers(place, script)).toMatch(/"acked":1\b/);
  },
  async vercel(place) {
    expect(await drainOnVercel(place)).toMatch(/^200 .*"acked":1\b/m);
  },
  async node(place) {
    expect(await drainOnNode(place)).toMatch(/"acked":1\b/);
    // The script's own line, without npm in between: it is to be ended as Ctrl-C ends it.
    const { scripts } = JSON.parse(await readFile(join(place.folder, "package.json"), "utf8"));
    const line = `cd "${place.folder}"; exec node_modules/.bin/${scripts.dev} --port 0 --app-port 0`;
    const dev = project.start("bash", ["-euc", line], {});
    const [, page = ""] = await dev.printed(/dashboard on (http:[^,]+),/);
    expect((await fetch(page)).status).toBe(200);
    dev.signal("SIGINT");
    expect((await dev.ended).code, dev.output).toBe(0);
  },
};

/** Programs in front of the real ones: they let through what wants no account, and end what would stay. */
function standIns(): Record<string, string> {
  const real = (name: string): string =>
    execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();
  return {
    // As the real one it takes file://… for the text of that file.
    aws: `for word; do :; done; printf '%s <%s>\\n' "$*" "$(cat "\${word#file://}")" >>"${project.folder}/aws.log"`,
    sam: `exec "${process.execPath}" "${root}test/apps/sam.ts" "$@"`,
    npx: `case "$1" in
  vercel@*|wrangler) exit 0 ;;
  # Its own cache: in the other one a build of yesterday may stand under the same version.
  spillway) export npm_config_cache="${project.folder}/npx-cache" ;;
esac
exec "${real("npx")}" "$@"`,
    npm: `case "$*" in
  "run dev"|start) exit 0 ;;
  "run deploy") [ ! -f wrangler.jsonc ] || set -- run deploy -- --dry-run --outdir built ;;
esac
exec "${real("npm")}" "$@"`,
  };
}

async function linkSdk(): Promise<void> {
  await project.link(["@aws-sdk/client-ssm", "@aws-sdk/client-lambda"]);
}

let project: Project;

describe("the quick starts, as a stranger takes their steps", () => {
  const served = useRestServer();
  let registry: Registry;

  beforeAll(async () => {
    project = await emptyProject();
    const upstream = execFileSync("npm", ["config", "get", "registry"], { encoding: "utf8" }).trim();
    registry = await startRegistry(await pack(project.folder), upstream);
    const files = Object.entries(standIns()).map(
      ([name, text]) => [`bin/${name}`, `#!/bin/sh\n${text}\n`] as const,
    );
    await project.write(Object.fromEntries(files));
    for (const [path] of files) await chmod(join(project.folder, path), 0o755);
  });
  afterAll(async () => {
    registry?.close();
    await project?.remove();
  });

  it("stand on the pages for every host that this file knows", () => {
    expect([...steps.keys()].sort()).toEqual(Object.keys(outcomes).sort());
  });

  it.each([...steps].map(([name, blocks]) => [name, blocks[0]?.place ?? "", blocks] as const))(
    "end in a drain that runs: %s, from %s on",
    async (name, _, blocks) => {
      const code = blocks.map((block) => block.code).join("");
      await project.write({ [`${name}/.keep`]: "" });
      // Each step by itself: of a chain of them bash forgives the failure of any but the last.
      const program = new Program("bash", ["-euc", code.replaceAll(" && ", "\n")], {
        folder: join(project.folder, name),
        environment: {
          ...(process.env as Record<string, string>),
          PATH: `${join(project.folder, "bin")}:${process.env.PATH}`,
          SPILLWAY_REDIS_SERVER: process.env.SPILLWAY_REDIS_SERVER ?? "",
          npm_config_registry: registry.url,
          // What a person says whom npx asks whether to fetch the package.
          npm_config_yes: "true",
          npm_config_prefer_offline: "true",
          npm_config_audit: "false",
          npm_config_fund: "false",
        },
        input: `${typedUrl}\n${typedToken}\n`,
      });
      const { code: exit } = await program.ended;
      expect([exit, program.output]).toEqual([0, expect.any(String)]);
      await served.door.redis.lpush(list, "m");
      const folder = join(project.folder, name, "my-drain");
      await outcomes[name]?.({ folder, redisUrl: served.server().url, list }, program.output);
    },
  );
});
