import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import type { RedisServer } from "../../adapters/local/redis-process.ts";
import type { RestServer } from "../../adapters/local/rest-server.ts";
import { startRest, startTestRedis } from "../support/redis.ts";
import { SideDoor } from "../support/side-door.ts";
import { startWorkerd, type Workerd } from "../support/workerd.ts";
import type { FixtureSettings } from "./fixture/settings.ts";

/** A real Redis behind our REST server, and as many processes of workerd as a test asks for. */
export class World {
  server!: RedisServer;
  rest!: RestServer;
  side!: SideDoor;
  readonly #open = new Set<Workerd>();

  async start(
    settings: FixtureSettings = {},
    more: { storagePath?: string; redisUrl?: string; qstashUrl?: string } = {},
  ): Promise<Workerd> {
    const workerd = await startWorkerd({ redisUrl: this.rest.url, list: "mail", settings, ...more });
    this.#open.add(workerd);
    return workerd;
  }

  push(count: number, list = "mail", prefix = `${list}-`): Promise<number> {
    return this.side.redis.lpush(list, ...Array.from({ length: count }, (_, at) => `${prefix}${at}`));
  }

  /** What the handlers noted, in the order noted. */
  done(list = "mail"): Promise<string[]> {
    return this.side.redis.lrange(`done-${list}`, 0, -1);
  }

  /** Whatever of a list is in Redis beside what its handlers noted. */
  async left(list = "mail"): Promise<Record<string, unknown>> {
    const { [`done-${list}`]: _, ...left } = await this.side.everything();
    return left;
  }

  /** Ends the leases of drains that died, and their busy mark, as the passing of time would. */
  async endLeases(): Promise<void> {
    await this.side.expireLeases("mail");
    await this.side.redis.del("{mail}:busy");
  }

  /** Ticks until nothing is left, as a cron would while leases end. */
  async tickUntilEmpty(workerd: Workerd): Promise<void> {
    do {
      await this.endLeases();
      const seen = workerd.reports.length;
      await workerd.tick();
      await workerd.report(
        (report) => report.continuedWith === null && workerd.reports.indexOf(report) >= seen,
      );
    } while ((await this.side.redis.exists("mail", "{mail}:leases", "{mail}:delayed")) > 0);
  }

  async stopWorkers(): Promise<void> {
    const open = [...this.#open];
    this.#open.clear();
    await Promise.all(open.map((workerd) => workerd.stop()));
  }
}

/** A world for the tests of one file, emptied before each. */
export function useWorld(): World {
  const world = new World();
  beforeAll(async () => {
    world.server = await startTestRedis();
    world.rest = await startRest(world.server);
    world.side = new SideDoor(world.server.url);
  });
  beforeEach(() => world.side.redis.flushall());
  afterEach(() => world.stopWorkers());
  afterAll(async () => {
    world.side.close();
    await world.rest.close();
    await world.server.stop();
  });
  return world;
}
