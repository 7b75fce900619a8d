import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RedisServer } from "../../adapters/local/redis-process.ts";
import type { RestServer } from "../../adapters/local/rest-server.ts";
import { copyExample, type ExampleProject } from "../support/example.ts";
import { Program } from "../support/program.ts";
import { Receiver } from "../support/receiver.ts";
import { startRest, startTestRedis, testToken } from "../support/redis.ts";
import { SideDoor } from "../support/side-door.ts";

const list = "webhooks";
const token = "a-drain-token";
const binaries = new URL("../../node_modules/.bin/", import.meta.url).pathname;
const cronByHand = new URL("../support/bun-cron-by-hand.ts", import.meta.url).pathname;
/** What the core's default of handlers at once is, and so how many messages are in hand where none is answered. */
const inHandCount = 10;

/** Payloads that any step between Redis and the receiver might have changed. */
const exactPayloads = [
  '{ "n" : 1.0 }',
  '{"n":101600000000150081467}',
  '"quoted"',
  "null",
  "ä € 🎁",
  " ",
  "00123",
];
const numbered = (count: number): string[] => [
  ...exactPayloads,
  ...Array.from({ length: count - exactPayloads.length }, (_, at) => `{"n":${at}}`),
];

describe.each([
  {
    runtime: "Bun",
    platform: "bun" as const,
    command: ["bun", "--no-install", "--preload", cronByHand, "server.ts"],
    quickSchedule: {},
  },
  {
    runtime: "Deno",
    platform: "deno" as const,
    // As its header says, and without a look at the network for code.
    command: ["deno", "run", "--no-remote", "--allow-net", "--allow-env", "--unstable-cron", "main.ts"],
    // Deno's own tests set its schedule so: each run begins so many ms after the last one has ended.
    quickSchedule: { DENO_CRON_TEST_SCHEDULE_OFFSET: "20" },
  },
])(
  "the example for $runtime, copied into a project and run by $runtime itself",
  ({ platform, command, quickSchedule }) => {
    let redis: RedisServer;
    let rest: RestServer;
    let door: SideDoor;
    let project: ExampleProject;
    let receiver: Receiver;
    let deliverTo: string;
    let programs: Program[] = [];

    beforeAll(async () => {
      redis = await startTestRedis();
      rest = await startRest(redis);
      door = new SideDoor(redis.url);
      project = await copyExample(platform);
    });
    afterAll(async () => {
      door.close();
      await rest.close();
      await redis.stop();
      await project.remove();
    });
    beforeEach(async () => {
      await door.redis.flushall();
      receiver = new Receiver({ statusOf: (payload) => (payload === "refused" ? 422 : 204) });
      deliverTo = await receiver.start();
    });
    afterEach(async () => {
      await Promise.all(programs.map((program) => program.kill()));
      programs = [];
      await receiver.close();
    });

    function start(environment: Record<string, string> = {}): Program {
      const [binary = "", ...args] = command;
      const program = new Program(join(binaries, binary), args, {
        folder: project.folder,
        environment: {
          UPSTASH_REDIS_REST_URL: rest.url,
          UPSTASH_REDIS_REST_TOKEN: testToken,
          DRAIN_TOKEN: token,
          DELIVER_TO: deliverTo,
          PORT: "0",
          DENO_DIR: join(project.folder, ".deno"),
          DENO_NO_UPDATE_CHECK: "1",
          // No minute that passes may begin a drain beside the one that a test is about.
          DENO_CRON_TEST_SCHEDULE_OFFSET: "3600000",
          ...environment,
        },
      });
      programs.push(program);
      return program;
    }
    /** Starts it, and has its schedule begin a drain. */
    async function startOnSchedule(): Promise<Program> {
      const program = start(quickSchedule);
      await urlOf(program);
      if (platform === "bun") program.signal("SIGUSR2");
      return program;
    }
    const urlOf = async (program: Program): Promise<string> =>
      (await program.printed(/(http:\S+)\/drain/))[1] as string;
    const post = async (program: Program, given = token): Promise<Response> =>
      fetch(`${await urlOf(program)}/drain`, {
        method: "POST",
        headers: { authorization: `Bearer ${given}` },
      });
    const push = async (payloads: readonly string[]): Promise<void> => {
      await door.redis.lpush(list, ...payloads);
    };
    const payloadsOf = (): string[] => receiver.answered.map(({ payload }) => payload);

    it("delivers each message once, unchanged, with a key of its own, and leaves nothing in Redis", async () => {
      const payloads = numbered(500);
      await push(payloads);

      const response = await post(start());

      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({
        claimed: 500,
        acked: 500,
        stopped: "empty",
        error: null,
      });
      expect(payloadsOf().sort()).toEqual([...payloads].sort());
      expect(new Set(receiver.answered.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(500);
      expect(await door.everything()).toEqual({});
    });

    it("answers a call with a wrong token, or none, with 401, and asks Redis for nothing", async () => {
      await push(["a", "b"]);
      const before = await door.everything();
      const program = start();
      const url = await urlOf(program);
      await door.resetCommandCount();

      expect((await post(program, `${token}!`)).status).toBe(401);
      expect((await fetch(`${url}/drain`, { method: "POST" })).status).toBe(401);
      expect((await fetch(`${url}/stats`)).status).toBe(401);

      expect(await door.commandCount()).toBe(0);
      expect(await door.everything()).toEqual(before);
      expect(receiver.answered).toEqual([]);
    });

    it("makes a dead letter, at once, of what the receiver refuses, and goes on with the rest", async () => {
      await push(["a", "refused", "b"]);

      const response = await post(start());

      expect(await response.json()).toMatchObject({ claimed: 3, acked: 2, deadLettered: 1, retried: 0 });
      expect(payloadsOf().sort()).toEqual(["a", "b", "refused"]);
      expect(Object.keys(await door.everything())).toEqual([`{${list}}:dead`]);
    });

    it.each(["SIGTERM", "SIGINT"] as const)(
      "on %s in the middle of a drain gives back what was not answered, settles the rest, answers, and exits",
      async (signal) => {
        const payloads = numbered(300);
        await push(payloads);
        const isMiddle = receiver.holdAfter(150, inHandCount);
        const program = start();
        const answer = post(program);
        await isMiddle;
        const delivered = new Set(payloadsOf());

        program.signal(signal);

        expect(await (await answer).json()).toMatchObject({ stopped: "aborted", acked: 150, released: 150 });
        expect(await program.ended).toEqual({ code: 0, signal: null });
        const left = payloads.filter((payload) => !delivered.has(payload));
        expect((await door.waiting(list)).sort()).toEqual([...left].sort());
        expect(Object.keys(await door.everything())).toEqual([list]);

        receiver.goOn();
        await post(start());
        expect(payloadsOf().sort()).toEqual([...payloads].sort());
        expect(await door.everything()).toEqual({});
      },
    );

    it("drains when its schedule says so, without a call, and prints the report as a line of JSON", async () => {
      const payloads = numbered(300);
      await push(payloads);

      const program = await startOnSchedule();

      const [line] = await program.printed(/^\{.*"claimed":300,.*\}$/m);
      expect(JSON.parse(line)).toMatchObject({ acked: 300, stopped: "empty", error: null });
      expect(payloadsOf().sort()).toEqual([...payloads].sort());
      expect(await door.everything()).toEqual({});
    });

    it("on SIGTERM in the middle of a scheduled drain loses nothing, begins no other, and exits", async () => {
      const payloads = numbered(300);
      await push(payloads);
      const isMiddle = receiver.holdAfter(150, inHandCount);
      const program = await startOnSchedule();
      await isMiddle;
      const delivered = new Set(payloadsOf());

      program.signal("SIGTERM");

      expect(await program.ended).toEqual({ code: 0, signal: null });
      const reports = [...program.output.matchAll(/^\{.*\}$/gm)].map(([line]) => JSON.parse(line));
      expect(reports).toMatchObject([{ stopped: "aborted", acked: 150, released: 150 }]);
      const left = payloads.filter((payload) => !delivered.has(payload));
      expect((await door.waiting(list)).sort()).toEqual([...left].sort());
      expect(Object.keys(await door.everything())).toEqual([list]);
    });

    it("on SIGTERM exits at once where nothing is to be done", async () => {
      const program = start();
      await urlOf(program);
      program.signal("SIGTERM");
      expect(await program.ended).toEqual({ code: 0, signal: null });
    });

    it.each(["UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN", "DRAIN_TOKEN", "DELIVER_TO"])(
      "does not start without %s, and says so",
      async (name) => {
        const program = start({ [name]: "" });
        expect((await program.ended).code).toBe(1);
        expect(program.output).toContain(`Set the environment variable ${name}.`);
      },
    );
  },
);
