/**
 * The kill prover: real processes drain real lists and are killed with SIGKILL, at every boundary of a request and at
 * any moment; one Redis is killed as well, and comes back with its append-only file. Afterwards the append-only files,
 * which hold every write in its order, and the notes of the processes must tell the same story, without a loss in it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { redisBackend } from "../../adapters/local/redis-backend.ts";
import { type RedisServer, startRedisServer } from "../../adapters/local/redis-process.ts";
import { type RestServer, startRestServer } from "../../adapters/local/rest-server.ts";
import { SideDoor } from "../support/side-door.ts";
import type { ChildOrder, ChildPlace, Death, FromChild, ToChild } from "./kills-child.ts";
import { seeded } from "./random.ts";

export interface KillOptions {
  kills: number;
  seed: number;
}

export interface KillProof {
  isHolding: boolean;
  /** The figures, in one line. */
  line: string;
  problems: string[];
}

type Random = () => number;

const childPath = fileURLToPath(new URL("./kills-child.ts", import.meta.url));
const token = "a-token-for-tests-only";
/** How long a batch of a dead process stays away: short, so that much is recovered. */
const leaseMs = 300;
/** Kills between two fresh servers, so that no append-only file grows large. */
const roundKillCount = 200;
/** Worlds on the Redis that is not killed, and how many processes drain at once in each. */
const steadySlotCounts = [2, 1, 2];
/** The list is never shorter while kills remain. */
const waitingCountMin = 25;
/** A process that does not come to its request boundary in this time is killed from outside. */
const boundaryMsMax = 5_000;
/** What is left after the last kill must be handled and gone in this time. */
const finishMsMax = 30_000;
const problemCountMax = 20;

const kinds = ["probe", "claim", "turn", "settle"] as const;
const boundaries = kinds.flatMap((kind) => (["before", "after"] as const).map((when) => ({ kind, when })));

/** Runs the story with so many kills. Everything random in it comes from the seed; what the machine does in between does not. */
export async function proveKills(options: KillOptions): Promise<KillProof> {
  const startedAt = performance.now();
  const random = seeded(options.seed);
  const figures = new Figures();
  for (let left = options.kills; left > 0; left -= roundKillCount) {
    await new Round(Math.min(left, roundKillCount), random, figures).run();
  }
  const missed = figures.missedBoundaries();
  if (options.kills >= 60 && missed.length > 0) figures.problem(`No kill at: ${missed.join(", ")}.`);
  const seconds = (performance.now() - startedAt) / 1_000;
  return {
    isHolding: figures.problems.length === 0,
    line: `${figures.toLine()}; ${seconds.toFixed(1)} s, seed ${options.seed}`,
    problems: figures.problems,
  };
}

class Figures {
  readonly problems: string[] = [];
  readonly #killCounts = new Map<string, number>();
  randomKillCount = 0;
  redisKillCount = 0;
  worldCount = 0;
  pushedCount = 0;
  lostCount = 0;
  runCount = 0;
  cutShortCount = 0;
  unexplainedCount = 0;
  lateBatchCount = 0;
  recoveredBatchCount = 0;
  errorCount = 0;
  attemptMax = 0;
  #restCount = 0;

  problem(text: string): void {
    if (this.problems.length < problemCountMax) this.problems.push(text);
  }

  kill(at: Death | null, client: ChildPlace["client"]): void {
    if (client === "upstash") this.#restCount += 1;
    if (at === null) this.randomKillCount += 1;
    else this.#killCounts.set(nameOf(at), (this.#killCounts.get(nameOf(at)) ?? 0) + 1);
  }

  missedBoundaries(): string[] {
    return boundaries.map(nameOf).filter((name) => !this.#killCounts.has(name));
  }

  toLine(): string {
    const at = (kind: Death["kind"], when: Death["when"]): number =>
      this.#killCounts.get(nameOf({ kind, when })) ?? 0;
    const hits = kinds.map((kind) => `${kind} ${at(kind, "before")}+${at(kind, "after")}`);
    const boundaryCount = [...this.#killCounts.values()].reduce((sum, count) => sum + count, 0);
    const childCount = boundaryCount + this.randomKillCount;
    const duplicateCount = this.runCount - this.pushedCount;
    const share = ((100 * duplicateCount) / Math.max(1, this.pushedCount)).toFixed(2);
    return [
      `${childCount + this.redisKillCount} kills in ${this.worldCount} worlds (before+after ${hits.join(", ")}, ` +
        `any moment ${this.randomKillCount}, Redis ${this.redisKillCount}; ${this.#restCount} of a process over REST)`,
      `${this.pushedCount} messages, ${this.lostCount} lost, ${this.runCount} runs, ${this.cutShortCount} cut short, ` +
        `${duplicateCount} duplicates (${share}%), ${this.unexplainedCount} unexplained`,
      `${this.recoveredBatchCount} batches recovered, ${this.lateBatchCount} of a living drain that was late`,
      `highest attempt ${this.attemptMax}, ${this.errorCount} drains ended by an error`,
    ].join("; ");
  }
}

function nameOf({ kind, when }: Pick<Death, "kind" | "when">): string {
  return `${when} ${kind}`;
}

/** One set of servers, and the worlds on them. */
class Round {
  readonly #killCount: number;
  readonly #random: Random;
  readonly #figures: Figures;
  readonly #worlds: World[] = [];
  readonly #closers: (() => Promise<unknown>)[] = [];

  constructor(killCount: number, random: Random, figures: Figures) {
    this.#killCount = killCount;
    this.#random = random;
    this.#figures = figures;
  }

  async run(): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), "spillway-kills-"));
    const killAll = (): void => {
      for (const world of this.#worlds) world.killAll();
    };
    process.once("exit", killAll);
    try {
      await this.#runIn(folder);
    } finally {
      process.removeListener("exit", killAll);
      for (const world of this.#worlds) await world.close();
      for (const close of this.#closers.reverse()) await close();
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #runIn(folder: string): Promise<void> {
    const steady = await this.#open(join(folder, "steady"), ["--appendfsync", "no"]);
    const mortal = await this.#open(join(folder, "mortal"), ["--appendfsync", "always"]);
    const redisKillCount = Math.min(this.#killCount, Math.max(2, Math.round(this.#killCount / 20)));
    const childKillCount = this.#killCount - redisKillCount;
    // In the world whose Redis dies, about as many processes die as well.
    const beside = Math.min(redisKillCount, childKillCount);
    const shared = { notesUrl: steady.redis.url, cacheFolder: join(folder, "cache") };
    const add = (place: Place, slotCount: number, kills: number, redisKills: number): void => {
      const name = `kills-${this.#figures.worldCount++}`;
      const random = seeded(Math.floor(this.#random() * 2 ** 32));
      const parts = { ...shared, name, place, slotCount, kills, redisKills, random, figures: this.#figures };
      this.#worlds.push(new World(parts));
    };
    for (const [at, slotCount] of steadySlotCounts.entries()) {
      const left = childKillCount - beside;
      const kills = Math.floor((left + at) / steadySlotCounts.length);
      add(steady, slotCount, kills, 0);
    }
    add(mortal, 2, beside, redisKillCount);
    await Promise.all(this.#worlds.map((world) => world.run()));
    for (const place of [steady, mortal]) {
      const commands = await readAppendOnlyFile(place.folder);
      for (const world of this.#worlds) if (world.place === place) await world.audit(commands);
    }
  }

  async #open(folder: string, args: string[]): Promise<Place> {
    const place = new Place(folder, await freeLowPort(this.#random), args);
    this.#closers.push(() => place.close());
    await place.open();
    return place;
  }
}

/** A Redis with an append-only file, which can be killed and started again, and a REST server in front of it. */
class Place {
  readonly folder: string;
  readonly #port: number;
  readonly #args: string[];
  #server: RedisServer | undefined;
  #rest: RestServer | undefined;

  constructor(folder: string, port: number, args: string[]) {
    this.folder = folder;
    this.#port = port;
    this.#args = ["--appendonly", "yes", "--auto-aof-rewrite-percentage", "0", ...args];
  }

  get redis(): RedisServer {
    return this.#server as RedisServer;
  }

  get restUrl(): string {
    return (this.#rest as RestServer).url;
  }

  async open(): Promise<void> {
    await mkdir(this.folder);
    await this.start();
    this.#rest = await startRestServer({ port: 0, token, backend: redisBackend({ url: this.redis.url }) });
  }

  async start(): Promise<void> {
    this.#server = await startRedisServer({ port: this.#port, folder: this.folder, args: this.#args });
  }

  async close(): Promise<void> {
    await this.#rest?.close();
    await this.#server?.kill();
  }
}

interface WorldParts {
  readonly name: string;
  readonly place: Place;
  readonly notesUrl: string;
  readonly cacheFolder: string;
  readonly slotCount: number;
  readonly kills: number;
  readonly redisKills: number;
  readonly random: Random;
  readonly figures: Figures;
}

/** One list, and the processes that drain it and die. */
class World {
  readonly place: Place;
  readonly #parts: WorldParts;
  readonly #list: string;
  readonly #door: SideDoor;
  readonly #notes: SideDoor;
  readonly #children = new Set<Child>();
  readonly #killed = new Set<string>();
  /** Shuffled, and made anew when all have been dealt: so each boundary gets its share. */
  #deck: (Pick<Death, "kind" | "when"> | null)[] = [];
  #spares: Child[] = [];
  #childCount = 0;
  #killsLeft: number;
  #pushedCount = 0;
  #isDown = false;
  #isOver = false;
  #isClosed = false;
  #running: Promise<void> | undefined;

  constructor(parts: WorldParts) {
    this.place = parts.place;
    this.#parts = parts;
    this.#list = parts.name;
    this.#killsLeft = parts.kills;
    this.#door = quietDoor(parts.place.redis.url);
    this.#notes = quietDoor(parts.notesUrl);
  }

  run(): Promise<void> {
    this.#running = this.#run();
    return this.#running;
  }

  async #run(): Promise<void> {
    const { slotCount } = this.#parts;
    this.#spares = Array.from({ length: slotCount }, () => this.#spawn());
    await this.#push(2 * waitingCountMin);
    const slots = Array.from({ length: slotCount }, () => this.#killOneAfterAnother());
    const killing = Promise.all([...slots, this.#killRedisNowAndThen()]).finally(() => {
      this.#isOver = true;
    });
    await Promise.all([killing, this.#topUp()]);
    await this.#finish();
  }

  killAll(): void {
    for (const { process } of this.#children) process.kill("SIGKILL");
  }

  /** Ends all of it, wherever it is: what still runs finds its doors closed. */
  async close(): Promise<void> {
    this.#isOver = true;
    this.#isClosed = true;
    this.#door.close();
    this.#notes.close();
    const exits = [...this.#children].map((child) => child.exited);
    this.killAll();
    await Promise.all(exits);
    await this.#running?.catch(() => undefined);
  }

  /** Compares what Redis wrote with what the processes noted. */
  async audit(commands: readonly string[][]): Promise<void> {
    const history = new History(this.#list);
    for (const command of commands) history.apply(command);
    history.endGroup();
    const notes = (await this.#notes.redis.lrange(notesKey(this.#list), 0, -1)).map((line) =>
      line.split(" "),
    );
    new Audit(history, notes, this.#killed, this.#parts).run(this.#pushedCount);
  }

  #spawn(): Child {
    if (this.#isClosed) throw new Error("This world has been closed.");
    const { place, notesUrl, cacheFolder, name } = this.#parts;
    const number = this.#childCount++;
    const client = number % 2 === 0 ? "ioredis" : "upstash";
    const url = client === "ioredis" ? place.redis.url : place.restUrl;
    const notesKeyName = notesKey(name);
    const where = {
      id: `c${number}`,
      list: name,
      client,
      url,
      token,
      notesUrl,
      notesKey: notesKeyName,
    } as const;
    const child = new Child(where, cacheFolder, (error) => this.#hearError(error));
    this.#children.add(child);
    void child.exited.then(() => this.#children.delete(child));
    return child;
  }

  /** A process that is ready; another one starts in its place. */
  #takeSpare(): Child {
    const child = this.#spares.shift() ?? this.#spawn();
    this.#spares.push(this.#spawn());
    return child;
  }

  #hearError(error: string): void {
    this.#parts.figures.errorCount += 1;
    // A machine that stalls may end a lease before its batch begins; other errors need a Redis that dies.
    if (this.#parts.redisKills === 0 && !error.startsWith("lease-too-short"))
      this.#problem(`A drain ended by ${error}`);
  }

  #problem(text: string): void {
    this.#parts.figures.problem(`${this.#list}: ${text}`);
  }

  #order(death: Death | null): ChildOrder {
    const { random } = this.#parts;
    return {
      seed: Math.floor(random() * 2 ** 32),
      leaseMs,
      batchSize: 1 + Math.floor(random() * 20),
      concurrency: 1 + Math.floor(random() * 5),
      prefetch: random() < 0.5 ? 0 : 1,
      death,
    };
  }

  #nextDeath(): Death | null {
    const { random } = this.#parts;
    if (this.#deck.length === 0) {
      const ordered = [...boundaries, null, null, null, null];
      this.#deck = ordered
        .map((death) => ({ death, at: random() }))
        .sort((a, b) => a.at - b.at)
        .map(({ death }) => death);
    }
    const next = this.#deck.pop() ?? null;
    return next && { ...next, nth: 1 + Math.floor(random() * (next.kind === "turn" ? 8 : 3)) };
  }

  async #killOneAfterAnother(): Promise<void> {
    while (this.#killsLeft > 0) {
      this.#killsLeft -= 1;
      const death = this.#nextDeath();
      const order = this.#order(death);
      const waitMs = death ? boundaryMsMax : this.#parts.random() * 120;
      const child = this.#takeSpare();
      this.#killed.add(child.place.id);
      await child.begin(order);
      const isOut = await Promise.race([child.exited, sleep(waitMs, "still there" as const, { ref: false })]);
      if (isOut === "still there") {
        await this.#notes.redis.rpush(notesKey(this.#list), `death ${child.place.id}`);
        child.process.kill("SIGKILL");
      }
      const signal = await child.exited;
      if (signal !== "SIGKILL") throw new Error(`A process ended by itself (${signal}): ${child.output}`);
      this.#parts.figures.kill(isOut === "still there" ? null : death, child.place.client);
    }
  }

  async #killRedisNowAndThen(): Promise<void> {
    const { random, redisKills, figures } = this.#parts;
    for (let killed = 0; killed < redisKills; killed++) {
      await sleep(100 + random() * 400);
      this.#isDown = true;
      const pushing = random() < 0.5 ? this.#push(waitingCountMin) : null;
      await this.#door.redis.set(`epoch:${this.#list}`, 2 * killed + 1);
      // What was acknowledged a moment ago must be there afterwards.
      await pushing;
      await this.place.redis.kill();
      figures.redisKillCount += 1;
      // Every other time so long that drains give up.
      await sleep(killed % 2 === 0 ? random() * 50 : 1_600 + random() * 600);
      if (this.#isClosed) return;
      await this.place.start();
      await this.#door.redis.set(`epoch:${this.#list}`, 2 * killed + 2);
      this.#isDown = false;
    }
  }

  /** Keeps messages waiting for as long as there are kills to come. */
  async #topUp(): Promise<void> {
    while (!this.#isOver) {
      if (!this.#isDown && (await this.#door.redis.llen(this.#list)) < waitingCountMin && !this.#isDown)
        await this.#push(waitingCountMin);
      await sleep(10);
    }
  }

  async #push(count: number): Promise<void> {
    const payloads = Array.from({ length: count }, () => `m${this.#pushedCount++}`);
    await this.#door.redis.lpush(this.#list, ...payloads);
  }

  /** Lets processes that no one kills handle the rest, and looks at what they leave. */
  async #finish(): Promise<void> {
    const survivors = this.#spares.splice(0);
    for (const child of survivors) await child.begin(this.#order(null));
    const endsAt = performance.now() + finishMsMax;
    const [leases, delayed] = [`{${this.#list}}:leases`, `{${this.#list}}:delayed`];
    while ((await this.#door.redis.exists(this.#list, leases, delayed)) > 0 && performance.now() < endsAt) {
      await sleep(20);
    }
    for (const child of survivors) {
      child.tell("end");
      const signal = await Promise.race([
        child.exited,
        sleep(finishMsMax, "no end" as const, { ref: false }),
      ]);
      if (signal !== null)
        this.#problem(`An undisturbed process did not end well (${signal}): ${child.output}`);
    }
    const keys = await this.#door.redis.keys(`*{${this.#list}}*`);
    if ((await this.#door.redis.exists(this.#list)) > 0) keys.push(this.#list);
    if (keys.length > 0) this.#problem(`Keys are left: ${keys.sort().join(", ")}.`);
  }
}

class Child {
  readonly place: ChildPlace;
  readonly process: ChildProcess;
  /** Resolves with the signal that ended it, null for none. */
  readonly exited: Promise<NodeJS.Signals | null>;
  output = "";
  readonly #heard: Record<"ready" | "draining", Promise<void>>;

  constructor(place: ChildPlace, cacheFolder: string, hearError: (error: string) => void) {
    this.place = place;
    this.process = spawn(process.execPath, [childPath, JSON.stringify(place)], {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: cacheFolder },
    });
    this.process.stderr?.on("data", (chunk: Buffer) => {
      this.output += chunk.toString();
    });
    this.exited = new Promise((resolve) => {
      this.process.once("exit", (_, signal) => resolve(signal));
      this.process.once("error", () => resolve(null));
    });
    const hears = (word: FromChild): Promise<void> =>
      new Promise((resolve) => this.process.on("message", (message) => message === word && resolve()));
    this.#heard = { ready: hears("ready"), draining: hears("draining") };
    this.process.on("message", (message: FromChild) => {
      if (typeof message === "object") hearError(message.error);
    });
  }

  /** Resolves once it drains, or is dead. */
  async begin(order: ChildOrder): Promise<void> {
    await Promise.race([this.#heard.ready, this.exited]);
    this.tell(order);
    await Promise.race([this.#heard.draining, this.exited]);
  }

  tell(message: ToChild): void {
    // It may be dead, which is what this is about.
    this.process.send(message, () => undefined);
  }
}

/** One stay of one message in a working list. */
interface Claim {
  readonly batch: string;
  readonly claimedAt: number;
  readonly claimedEpoch: number;
  end: "open" | "acked" | "returned";
  endedAt: number;
  endedEpoch: number;
}

/** What the append-only file says of one list, in order. */
class History {
  readonly claims = new Map<string, Claim[]>();
  readonly deathsAt = new Map<string, number>();
  readonly problems: string[] = [];
  readonly #list: string;
  readonly #place = new Map<string, string>();
  readonly #batches = new Map<string, Map<string, Claim>>();
  readonly #leaseEnds = new Map<string, number>();
  #at = 0;
  #epoch = 0;
  #isInGroup = false;
  /** Of the current transaction: leases it wrote, and batches whose messages it returned. */
  #newLeaseEnds: number[] = [];
  #returned: string[] = [];
  readonly earlyReturns: string[] = [];

  constructor(list: string) {
    this.#list = list;
  }

  apply(command: readonly string[]): void {
    this.#at += 1;
    const [name = "", key = "", ...rest] = command;
    if (name === "MULTI" || name === "EXEC") {
      this.endGroup();
      this.#isInGroup = name === "MULTI";
      return;
    }
    this.#applyWrite(name.toUpperCase(), key, rest);
    if (!this.#isInGroup) this.endGroup();
  }

  /** A script's writes are one transaction: a claim in it tells what time it was for the recovery in it. */
  endGroup(): void {
    const [leaseEnd] = this.#newLeaseEnds;
    for (const batch of this.#returned) {
      const endsAt = this.#leaseEnds.get(batch) ?? 0;
      if (leaseEnd !== undefined && leaseEnd - leaseMs < endsAt) this.earlyReturns.push(batch);
    }
    this.#newLeaseEnds = [];
    this.#returned = [];
  }

  #applyWrite(name: string, key: string, rest: readonly string[]): void {
    const base = `{${this.#list}}:`;
    if (key === this.#list && (name === "LPUSH" || name === "RPUSH")) {
      for (const payload of rest) this.#place.set(payload, "list");
    } else if (key.startsWith(`${base}working:`)) {
      if (name === "LPUSH") this.#claim(key.slice(`${base}working:`.length), rest);
      else if (name === "DEL" || name === "UNLINK") this.#settle(key.slice(`${base}working:`.length));
      else this.problems.push(`An unexpected write: ${name} ${key}.`);
    } else if (key === `${base}leases` && name === "ZADD") {
      this.#leaseEnds.set(rest[1] as string, Number(rest[0]));
      this.#newLeaseEnds.push(Number(rest[0]));
    } else if (key === `${base}delayed` || key === `${base}dead` || key === `${base}brake`) {
      if (name !== "DEL") this.problems.push(`No message failed, and yet: ${name} ${key}.`);
    } else if (key === `epoch:${this.#list}`) {
      this.#epoch = Number(rest[0]);
    } else if (key === notesKey(this.#list)) {
      for (const [word, id] of rest.map((line) => line.split(" "))) {
        if (word === "death") this.deathsAt.set(id as string, this.#at);
      }
    }
  }

  #claim(batch: string, payloads: readonly string[]): void {
    const claims = this.#batches.get(batch) ?? new Map<string, Claim>();
    this.#batches.set(batch, claims);
    for (const payload of payloads) {
      const claim: Claim = {
        batch,
        claimedAt: this.#at,
        claimedEpoch: this.#epoch,
        end: "open",
        endedAt: 0,
        endedEpoch: 0,
      };
      if (this.#place.get(payload) !== "list") this.problems.push(`${payload} was claimed from nowhere.`);
      this.#place.set(payload, batch);
      claims.set(payload, claim);
      const all = this.claims.get(payload);
      if (all) all.push(claim);
      else this.claims.set(payload, [claim]);
    }
  }

  #settle(batch: string): void {
    for (const [payload, claim] of this.#batches.get(batch) ?? []) {
      const isThere = this.#place.get(payload) === batch;
      claim.end = isThere ? "acked" : "returned";
      claim.endedAt = this.#at;
      claim.endedEpoch = this.#epoch;
      if (isThere) this.#place.set(payload, "handled");
      else if (!this.#returned.includes(batch)) this.#returned.push(batch);
    }
    this.#batches.delete(batch);
  }
}

/** Holds one world's history against its processes' notes. */
class Audit {
  readonly #history: History;
  readonly #parts: WorldParts;
  readonly #killed: ReadonlySet<string>;
  /** Batches that their own drain gave back in part, and those it was told it had lost. */
  readonly #odd: ReadonlySet<string>;
  readonly #lost: ReadonlySet<string>;
  readonly #runs: readonly string[][];
  readonly #ran = new Set<string>();
  readonly #ended: ReadonlySet<string>;
  readonly #batchesBack = new Set<string>();
  readonly #batchesLate = new Set<string>();

  constructor(history: History, notes: readonly string[][], killed: ReadonlySet<string>, parts: WorldParts) {
    const of = (word: string): string[][] => notes.filter(([first]) => first === word);
    this.#history = history;
    this.#parts = parts;
    this.#killed = killed;
    this.#odd = new Set(of("odd").map(([, batch]) => batch as string));
    this.#lost = new Set(of("lost").map(([, batch]) => batch as string));
    this.#runs = of("run");
    this.#ended = new Set(of("end").map(([, payload, batch]) => `${payload} ${batch}`));
  }

  run(pushedCount: number): void {
    const { figures } = this.#parts;
    for (const problem of this.#history.problems) this.#problem(problem);
    for (const batch of this.#history.earlyReturns) {
      if (!this.#odd.has(batch)) this.#problem(`${batch} was recovered before its lease had ended.`);
    }
    for (const run of this.#runs) this.#checkRun(run);
    for (let at = 0; at < pushedCount; at++) this.#checkMessage(`m${at}`);
    this.#checkLost();
    figures.pushedCount += pushedCount;
    figures.runCount += this.#runs.length;
    figures.cutShortCount += this.#ran.size - this.#ended.size;
    figures.recoveredBatchCount += this.#batchesBack.size;
    figures.lateBatchCount += this.#batchesLate.size;
  }

  #problem(text: string): void {
    this.#parts.figures.problem(`${this.#parts.name}: ${text}`);
  }

  /** Each run belongs to a claim, no two to the same, and its attempt is 1 and the crashes before it. */
  #checkRun([, child, payload = "", attempt, batch = ""]: string[]): void {
    const what = `${payload} of ${batch}, attempt ${attempt}`;
    const claims = this.#history.claims.get(payload) ?? [];
    const at = claims.findIndex((claim) => claim.batch === batch);
    if (at < 0 || ownerOf(batch) !== child) this.#problem(`${what}: it ran in ${child} without a claim.`);
    if (at < 0 || this.#ran.has(`${payload} ${batch}`)) this.#parts.figures.unexplainedCount += 1;
    if (this.#ran.has(`${payload} ${batch}`)) this.#problem(`${what}: it ran twice in one claim.`);
    this.#ran.add(`${payload} ${batch}`);
    const back = claims.slice(0, Math.max(0, at)).filter(({ end }) => end === "returned");
    const attemptMax = 1 + back.length;
    const attemptMin = 1 + back.filter((claim) => !this.#odd.has(claim.batch)).length;
    if (Number(attempt) < attemptMin || Number(attempt) > attemptMax) {
      this.#problem(`${what}: the attempt must be from ${attemptMin} to ${attemptMax}.`);
    }
    this.#parts.figures.attemptMax = Math.max(this.#parts.figures.attemptMax, Number(attempt));
  }

  /** Acknowledged once, after its handler had ended; and back in the list only for a kill, or for a drain that was late. */
  #checkMessage(payload: string): void {
    const claims = this.#history.claims.get(payload) ?? [];
    const acked = claims.filter(({ end }) => end === "acked");
    if (acked.length !== 1) this.#problem(`${payload} was acknowledged ${acked.length} times.`);
    if (!claims.some(({ batch }) => this.#ended.has(`${payload} ${batch}`))) {
      this.#parts.figures.lostCount += 1;
      this.#problem(`${payload} was never handled.`);
    }
    for (const claim of claims) {
      const name = `${payload} ${claim.batch}`;
      if (claim.end === "open") this.#problem(`${name} is still claimed.`);
      if (claim.end === "acked" && !this.#ended.has(name))
        this.#problem(`${name}: acknowledged, not handled.`);
      if (claim.end === "returned") this.#checkReturn(payload, claim);
    }
  }

  #checkReturn(payload: string, claim: Claim): void {
    const { batch, claimedEpoch, endedEpoch, endedAt } = claim;
    if (this.#odd.has(batch) && !this.#ran.has(`${payload} ${batch}`)) return;
    this.#batchesBack.add(batch);
    // An odd epoch: Redis is being killed. A later one: it was killed in between.
    if (claimedEpoch !== endedEpoch || claimedEpoch % 2 === 1) return;
    const owner = ownerOf(batch);
    const diedAt = this.#history.deathsAt.get(owner);
    const isNotedElsewhere = this.#parts.redisKills > 0 && this.#killed.has(owner);
    if (isNotedElsewhere || (diedAt !== undefined && diedAt <= endedAt)) return;
    this.#batchesLate.add(batch);
    if (diedAt === undefined && !this.#lost.has(batch)) {
      this.#parts.figures.unexplainedCount += 1;
      this.#problem(`${payload} was taken from ${batch} of a living drain, which was never told.`);
    }
  }

  /** A drain that was told its lease is lost has lost it. A settle repeated past a Redis' death may not know. */
  #checkLost(): void {
    if (this.#parts.redisKills > 0) return;
    for (const claims of this.#history.claims.values()) {
      for (const { batch, end } of claims) {
        if (this.#lost.has(batch) && end === "acked")
          this.#problem(`${batch} was acknowledged and called lost.`);
      }
    }
  }
}

/** The process that a batch belongs to: a batch id begins with the id its drain was given. */
function ownerOf(batch: string): string {
  return batch.slice(0, Math.max(0, batch.indexOf("_")));
}

function notesKey(list: string): string {
  return `notes:${list}`;
}

/** A side door that lives through its Redis' death in silence. */
function quietDoor(url: string): SideDoor {
  const door = new SideDoor(url);
  door.redis.on("error", () => undefined);
  return door;
}

/** Every command of a Redis' append-only file: one file before Redis 7, several in a folder since. */
async function readAppendOnlyFile(folder: string): Promise<string[][]> {
  const paths = (await readdir(folder, { recursive: true }))
    .filter((path) => /\.incr\.aof$|^appendonly\.aof$/.test(path))
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const commands: string[][] = [];
  for (const path of paths) {
    const text = await readFile(join(folder, path), "latin1");
    let at = 0;
    const readCount = (): number => {
      const end = text.indexOf("\r\n", at);
      const count = Number(text.slice(at + 1, end));
      at = end + 2;
      return count;
    };
    while (at < text.length) {
      if (text[at] !== "*") throw new Error(`${path} is not what Redis writes, at ${at}.`);
      commands.push(
        Array.from({ length: readCount() }, () => {
          const length = readCount();
          at += length + 2;
          return text.slice(at - length - 2, at - 2);
        }),
      );
    }
  }
  return commands;
}

/**
 * A free port below those that systems give to outgoing connections: while a Redis is dead, none of these may take its
 * port, least of all one that tries to reach it.
 */
async function freeLowPort(random: Random): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 20_000 + Math.floor(random() * 10_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
  throw new Error("No free port was found.");
}
