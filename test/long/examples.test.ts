import { chmod, readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { copyExample, type ExampleProject } from "../support/example.ts";
import { Program } from "../support/program.ts";
import { Receiver } from "../support/receiver.ts";
import { testToken } from "../support/redis.ts";
import { useRestServer } from "../support/redis-under-test.ts";
import { until } from "../support/until.ts";

/* The examples that are programs, each copied whole into a project of its own and run as its README says. */
const served = useRestServer();
const { door } = served;
const redisUrl = (): string => {
  const { host, port } = door.redis.options;
  return `redis://${host}:${port}`;
};
const rest = () => ({
  UPSTASH_REDIS_REST_URL: served.server().url,
  UPSTASH_REDIS_REST_TOKEN: testToken,
});

const projects: ExampleProject[] = [];
const programs: Program[] = [];
afterEach(async () => {
  for (const program of programs.splice(0)) await program.kill();
  for (const project of projects.splice(0)) await project.remove();
});

async function copy(name: string): Promise<string> {
  const project = await copyExample(name);
  projects.push(project);
  return project.folder;
}

function start(folder: string, file: string, environment: Record<string, string>): Program {
  const program = new Program(process.execPath, [file], { folder, environment });
  programs.push(program);
  return program;
}

const numbered = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

describe("the example of a counter", () => {
  it("has counted each view once after two kills in the middle and a run to the end", async () => {
    const folder = await copy("exactly-once-counter");
    const count = 4_000;
    const views = numbered(count).map((n) => JSON.stringify({ page: `/${n % 3}`, visitor: `v${n}` }));
    await door.redis.lpush("views", ...views);
    const totals = async () =>
      (await door.redis.hvals("{views}:totals")).map(Number).reduce((sum, n) => sum + n, 0);

    for (let kill = 0; kill < 2; kill++) {
      const before = await totals();
      const program = start(folder, "count.ts", rest());
      await until(async () => (await totals()) > before);
      await program.kill();
      await door.expireLeases("views");
    }
    const last = start(folder, "count.ts", rest());

    expect(await last.ended).toEqual({ code: 0, signal: null });
    expect(last.output).toContain("stopped: empty");
    expect(await totals()).toBe(count);
    expect(await door.redis.hget("{views}:totals", "/0")).toBe(String(Math.ceil(count / 3)));
    expect(Object.keys(await door.everything())).toEqual(["{views}:totals", "{views}:visitors"]);
  });
});

describe("the example of images", () => {
  it("handles the messages of each user one at a time and in their order, also after a first one that fails", async () => {
    const folder = await copy("node-images");
    const log = join(folder, "log");
    const tool = join(folder, "tool.sh");
    // What it is called with: source, "-resize", width, target.
    await writeFile(
      tool,
      `#!/bin/sh\nif [ "$1" = flaky ] && [ ! -e "${log}.tried" ]; then touch "${log}.tried"; exit 1; fi\n` +
        `echo "begin $4 $2 $3" >> "${log}"\necho "end $4" >> "${log}"\n`,
    );
    await chmod(tool, 0o755);
    const message = (user: string, n: number) =>
      JSON.stringify({
        user,
        source: user === "ann" && n === 0 ? "flaky" : "in",
        target: `${user}${n}`,
        width: 320,
      });
    const users = ["ann", "bob", "cy"];
    await door.redis.lpush("images", ...numbered(8).flatMap((n) => users.map((user) => message(user, n))));
    await door.redis.lpush(
      "images",
      JSON.stringify({ user: "bob", source: "in", target: "no", width: 1e21 }),
    );

    const program = start(folder, "worker.ts", { REDIS_URL: redisUrl(), IMAGE_TOOL: tool });
    const lines = async () =>
      (await readFile(log, "utf8").catch(() => "")).split("\n").filter((line) => line !== "");
    await until(async () => (await lines()).filter((line) => line.startsWith("end")).length === 24);
    await until(async () => (await door.redis.llen("{images}:dead")) === 1);

    for (const user of users) {
      const own = (await lines()).filter((line) => line.split(" ")[1]?.startsWith(user));
      const expected = numbered(8).flatMap((n) => [`begin ${user}${n} -resize 320x`, `end ${user}${n}`]);
      expect(own).toEqual(expected);
    }
    program.signal("SIGTERM");
    expect(await program.ended).toEqual({ code: 0, signal: null });
    expect(Object.keys(await door.everything())).toEqual(["{images}:dead"]);
  });
});

describe("the example of many tenants", () => {
  it("drains lists that were never named to it, and those of its own", async () => {
    const folder = await copy("multi-tenant");
    const receiver = new Receiver();
    const deliverTo = await receiver.start();
    const tenants = ["ann", "bob", "cy"];
    for (const tenant of tenants) {
      await door.redis.lpush(`tenant:${tenant}`, `${tenant}1`, `${tenant}2`);
      await door.redis.hset("{tenant:*}:lists", `tenant:${tenant}`, "");
    }
    await door.redis.lpush("urgent", "now");

    const environment = { ...rest(), DRAIN_TOKEN: "a-drain-token", DELIVER_TO: deliverTo, PORT: "0" };
    const program = start(folder, "server.ts", environment);
    const [, url] = await program.printed(/(http:\S+)\/drain/);
    const headers = { authorization: "Bearer a-drain-token" };
    const answer = await fetch(`${url}/drain`, { method: "POST", headers });

    expect(await answer.json()).toMatchObject({ acked: 7, stopped: "empty" });
    const expected = [...tenants.flatMap((tenant) => [`${tenant}1`, `${tenant}2`]), "now"];
    expect(receiver.answered.map(({ payload }) => payload).sort()).toEqual(expected.sort());
    expect(await door.everything()).toEqual({});
    const dead = await fetch(`${url}/dead-letters?list=tenant:ann`, { headers });
    expect(dead.status).toBe(200);
    program.signal("SIGTERM");
    expect(await program.ended).toEqual({ code: 0, signal: null });
    await receiver.close();
  });
});

describe.each([
  { language: "Python", command: ["python3"], file: "push.py" },
  { language: "Go", command: ["go", "run"], file: "push.go" },
  { language: "PHP", command: ["php"], file: "push.php" },
  { language: "Elixir", command: ["elixir"], file: "push.exs" },
])("the producer in $language", ({ language, command, file }) => {
  const [program = "", ...before] = command;
  const isThere = () => isInstalled(program);

  it("pushes each line to the left end, byte by byte, or is there to be run where the language is", async () => {
    const folder = await copy("producers");
    if (!(await isThere())) {
      // A test that is skipped would say nothing; where this machine cannot run it, at least it is there, and says so.
      console.warn(
        `${program} is not installed here: examples/producers/${file} in ${language} was NOT run.`,
      );
      expect(await readFile(join(folder, file), "utf8")).toContain("LPUSH");
      return;
    }
    const lines = [
      Buffer.from('{"to": "ann@example.com"}'),
      Buffer.from("1.0"),
      Buffer.from("ä € 🎁"),
      Buffer.from([0x61, 0xff, 0x00, 0x62]),
      Buffer.from(""),
      Buffer.from("last"),
    ];
    const input = Buffer.concat(lines.flatMap((line) => [line, Buffer.from("\n")]));

    const producer = new Program(program, [...before, file, redisUrl(), "emails"], {
      folder,
      environment: { LANG: "C.UTF-8", ELIXIR_ERL_OPTIONS: "+fnu" },
      input,
    });

    expect([await producer.ended, producer.output]).toEqual([
      { code: 0, signal: null },
      "Pushed 6 messages to emails.\n",
    ]);
    const found = await door.redis.lrangeBuffer("emails", 0, -1);
    expect(found.reverse().map((one) => one.toString("hex"))).toEqual(
      lines.map((one) => one.toString("hex")),
    );
  });

  it("ends with an error that says what Redis answered", async () => {
    if (!(await isThere())) return;
    const folder = await copy("producers");
    await door.redis.set("emails", "no list");
    const producer = new Program(program, [...before, file, redisUrl(), "emails"], {
      folder,
      environment: {},
      input: "a\n",
    });
    expect((await producer.ended).code).not.toBe(0);
    expect(producer.output).toContain("WRONGTYPE");
  });
});

async function isInstalled(program: string): Promise<boolean> {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const found = await readFile(join(folder, program)).catch(() => undefined);
    if (found) return true;
  }
  return false;
}
