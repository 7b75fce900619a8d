/**
 * The kill prover: real processes drain real lists and are killed with SIGKILL, at every boundary of a request and at
 * any moment; one Redis is killed as well, and comes back with its append-only file. Afterwards the append-only files,
 * which hold every write in its order, and the notes of the processes must tell the same story, without a loss in it.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readAppendOnlyFile } from "./kills/append-only-file.ts";
import { Figures } from "./kills/figures.ts";
import { type WorldKind, worldKinds } from "./kills/messages.ts";
import { freeLowPort, Place } from "./kills/place.ts";
import { World } from "./kills/world.ts";
import type { Proof } from "./proof.ts";
import { seeded } from "./random.ts";

/** Kills between two fresh servers, so that no append-only file grows large. */
const roundKillCount = 200;
/** As few rounds as there must be for each kind of world to come in one. */
const roundCountMin = 2;
/** Worlds on the Redis that is not killed, and how many processes drain at once in each. */
const steadySlotCounts = [2, 1, 2];

/** Runs the story with so many kills. Everything random in it comes from the seed; what the machine does in between does not. */
export async function proveKills(options: { kills: number; seed: number }): Promise<Proof> {
  const random = seeded(options.seed);
  const figures = new Figures();
  const perRound = Math.min(roundKillCount, Math.ceil(options.kills / roundCountMin));
  for (let left = options.kills; left > 0; left -= perRound) {
    await new Round(Math.min(left, perRound), options.seed, random, figures).run();
  }
  const missed = figures.missedBoundaries();
  if (options.kills >= 60 && missed.length > 0) figures.problem(`No kill at: ${missed.join(", ")}.`);
  if (options.kills >= 60 && figures.startedCount === 0) figures.problem("No drain has started another one.");
  return { isHolding: figures.problems.length === 0, line: figures.toLine(), problems: figures.problems };
}

/** One set of servers, and the worlds on them. */
class Round {
  readonly #killCount: number;
  readonly #seed: number;
  readonly #random: () => number;
  readonly #figures: Figures;
  readonly #worlds: World[] = [];
  readonly #closers: (() => Promise<unknown>)[] = [];

  constructor(killCount: number, seed: number, random: () => number, figures: Figures) {
    this.#killCount = killCount;
    this.#seed = seed;
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
      const number = this.#figures.worldCount++;
      const name = `kills-${number}`;
      const kind = worldKinds[(number + this.#seed) % worldKinds.length] as WorldKind;
      this.#figures.worldCounts.set(kind, (this.#figures.worldCounts.get(kind) ?? 0) + 1);
      const random = seeded(Math.floor(this.#random() * 2 ** 32));
      const parts = {
        ...shared,
        name,
        kind,
        place,
        slotCount,
        kills,
        redisKills,
        random,
        figures: this.#figures,
      };
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
