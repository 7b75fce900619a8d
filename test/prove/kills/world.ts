import { setTimeout as sleep } from "node:timers/promises";
import { SideDoor } from "../../support/side-door.ts";
import { measureTimeScale } from "../../support/time-scale.ts";
import { Audit } from "./audit.ts";
import { Child } from "./child-process.ts";
import { boundaries, type Figures } from "./figures.ts";
import { History, leaseMs, notesKey } from "./history.ts";
import { effectKeysOf, effectOf, keyLimit, limit, type WorldKind } from "./messages.ts";
import type { Called, ChildOrder, Death } from "./orders.ts";
import { type Place, token } from "./place.ts";
import { Progress } from "./progress.ts";

/** A slow machine has longer. */
const scaled = measureTimeScale();
/** The list is never shorter while kills remain. */
const waitingCountMin = 25;
/** A process that does not come to its request boundary in this time is killed from outside. */
const boundaryMsMax = scaled(5_000);
/** Longer than any lease, pause or window of a world: when nothing has moved for so long, nothing will. */
const stillMsMax = scaled(30_000);
/** A process that is told to end does so in this time. */
const endMsMax = scaled(30_000);

interface WorldParts {
  readonly name: string;
  readonly kind: WorldKind;
  readonly place: Place;
  readonly notesUrl: string;
  readonly cacheFolder: string;
  readonly slotCount: number;
  readonly kills: number;
  readonly redisKills: number;
  readonly random: () => number;
  readonly figures: Figures;
}

/** One list, and the processes that drain it and die. */
export class World {
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
  #lastError = "none";
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
    await this.#setLimits();
    await this.#push(2 * waitingCountMin);
    const slots = Array.from({ length: slotCount }, () => this.#killOneAfterAnother());
    const killing = Promise.all([...slots, this.#killRedisNowAndThen()]).finally(() => {
      this.#isOver = true;
    });
    await Promise.all([killing, this.#topUp(), this.#pauseNowAndThen()]);
    await this.#door.redis.del(this.#control);
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
    const history = new History(this.#list, this.#parts.kind);
    for (const command of commands) history.apply(command);
    history.endStep();
    const notes = (await this.#notes.redis.lrange(notesKey(this.#list), 0, -1)).map((line) =>
      line.split(" "),
    );
    new Audit(history, notes, this.#killed, this.#parts).run(this.#pushedCount);
  }

  #spawn(): Child {
    if (this.#isClosed) throw new Error("This world has been closed.");
    const { place, notesUrl, cacheFolder, name, kind } = this.#parts;
    const number = this.#childCount++;
    const client = number % 2 === 0 ? "ioredis" : "upstash";
    const url = client === "ioredis" ? place.redis.url : place.restUrl;
    const notesKeyName = notesKey(name);
    const where = {
      id: `c${number}`,
      list: name,
      kind,
      client,
      url,
      token,
      notesUrl,
      notesKey: notesKeyName,
    } as const;
    const child = new Child(where, cacheFolder, {
      error: (error) => this.#hearError(error),
      hop: (called, isBeside) => this.#passOn(called, isBeside),
    });
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

  /** A drain asks for another one: it runs in any process at work, which may be killed before it does. */
  #passOn(called: Called, isBeside: boolean): void {
    const atWork = [...this.#children].filter(({ hasBegun }) => hasBegun);
    atWork[Math.floor(this.#parts.random() * atWork.length)]?.tell(called);
    if (isBeside) this.#parts.figures.startedCount += 1;
    else this.#parts.figures.hopCount += 1;
  }

  #hearError(error: string): void {
    this.#parts.figures.errorCount += 1;
    this.#lastError = error;
    // A machine that stalls may end a lease before its batch begins, or leave a reply too late; other errors need a Redis
    // that dies.
    const isStall = /^(lease-too-short|stood-still|redis-transport: No reply within)/.test(error);
    if (this.#parts.redisKills === 0 && !isStall) this.#problem(`A drain ended by ${error}`);
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

  get #control(): string {
    return `{${this.#list}}:control`;
  }

  async #setLimits(): Promise<void> {
    const { kind } = this.#parts;
    if (kind === "limited")
      await this.#door.redis.hset(this.#control, { limit: limit.messages, windowMs: limit.windowMs });
    if (kind !== "keyLimits") return;
    const { messages, windowMs, inFlight } = keyLimit;
    const fields = { keyLimit: messages, keyWindowMs: windowMs, keyInFlight: inFlight };
    await this.#door.redis.hset(this.#control, fields);
  }

  async #pauseNowAndThen(): Promise<void> {
    while (!this.#isOver && this.#parts.kind === "limited") {
      await sleep(200 + this.#parts.random() * 600);
      if (!this.#isDown && !this.#isOver) await this.#door.redis.hset(this.#control, "paused", 1);
      await sleep(this.#parts.random() * 150);
      await this.#door.redis.hdel(this.#control, "paused");
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
    const stuck = await new Progress(this.#door, this.#notes, this.#list, stillMsMax).untilEmpty();
    if (stuck) this.#problem(`${stuck} The last error: ${this.#lastError}`);
    for (const child of survivors) {
      child.tell("end");
      const signal = await Promise.race([child.exited, sleep(endMsMax, "no end" as const, { ref: false })]);
      if (signal !== null)
        this.#problem(`An undisturbed process did not end well (${signal}): ${child.output}`);
    }
    await this.#checkEffects();
    const keys = await this.#door.redis.keys(`*{${this.#list}}*`);
    if ((await this.#door.redis.exists(this.#list)) > 0) keys.push(this.#list);
    if (keys.length > 0) this.#problem(`Keys are left: ${keys.sort().join(", ")}.`);
  }

  /** All messages are acknowledged: each that has an effect has it once. */
  async #checkEffects(): Promise<void> {
    const { counter, onward } = effectKeysOf(this.#list);
    const payloads = Array.from({ length: this.#pushedCount }, (_, at) => `m${at}`);
    const of = (effect: "count" | "forward"): string[] =>
      payloads.filter((payload) => effectOf(this.#parts.kind, payload) === effect);
    const counted = Number(await this.#door.redis.get(counter));
    const passedOn = await this.#door.redis.lrange(onward, 0, -1);
    if (counted !== of("count").length)
      this.#problem(`${of("count").length} messages have a counter, and it counts ${counted}.`);
    if (passedOn.sort().join() !== of("forward").sort().join())
      this.#problem(
        `${of("forward").length} messages were to be passed on, and ${passedOn.length} were, or others.`,
      );
    this.#parts.figures.effectCount += counted + passedOn.length;
    await this.#door.redis.del(counter, onward);
  }
}

/** A side door that lives through its Redis' death in silence. */
function quietDoor(url: string): SideDoor {
  const door = new SideDoor(url);
  door.redis.on("error", () => undefined);
  return door;
}
