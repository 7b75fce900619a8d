import { Redis } from "ioredis";

/** Looks into Redis past Spillway, so that no test checks the code by the code. */
export class SideDoor {
  readonly #where: string | (() => string | Redis);
  #redis: Redis | undefined;

  /** The URL of a Redis or a connection to it, or a function that knows it when the door is first used. */
  constructor(where: string | (() => string | Redis)) {
    this.#where = where;
  }

  get redis(): Redis {
    if (this.#redis === undefined) {
      const where = typeof this.#where === "string" ? this.#where : this.#where();
      this.#redis =
        typeof where === "string" ? new Redis(where, { protocol: 2, enableReadyCheck: false }) : where;
    }
    return this.#redis;
  }

  /** Every key that is not empty, with its whole content. */
  async everything(): Promise<Record<string, unknown>> {
    const found: Record<string, unknown> = {};
    for (const key of (await this.redis.keys("*")).sort()) {
      const type = await this.redis.type(key);
      if (type === "list") found[key] = await this.redis.lrange(key, 0, -1);
      else if (type === "zset") found[key] = await this.redis.zrange(key, 0, "-1", "WITHSCORES");
      else if (type === "hash") found[key] = await this.redis.hgetall(key);
      else found[key] = await this.redis.get(key);
    }
    return found;
  }

  /** Redis' own clock, epoch ms. */
  async now(): Promise<number> {
    const [seconds, micros] = (await this.redis.time()).map(Number) as [number, number];
    return seconds * 1_000 + Math.floor(micros / 1_000);
  }

  /** The list's messages, oldest (right end) first. */
  async waiting(list: string): Promise<string[]> {
    return (await this.redis.lrange(list, 0, -1)).reverse();
  }

  /** The delayed messages' payloads, the soonest due first. */
  async delayed(list: string): Promise<string[]> {
    const members = await this.redis.zrange(`{${list}}:delayed`, 0, "-1");
    return members.map((member) => member.slice(member.indexOf(":") + 1));
  }

  /** Makes all delayed messages due, as the passing of time would; their order stays. */
  async makeDue(list: string): Promise<void> {
    const members = await this.redis.zrangeBuffer(`{${list}}:delayed`, 0, "-1");
    for (const [at, member] of members.entries()) await this.redis.zadd(`{${list}}:delayed`, at + 1, member);
  }

  /** Ends the brake's pause, as the passing of time would. */
  async endPause(list: string): Promise<void> {
    if (await this.redis.hexists(`{${list}}:brake`, "until"))
      await this.redis.hset(`{${list}}:brake`, "until", 1);
  }

  /** Ends all leases of a list, as the passing of time would. */
  async expireLeases(list: string): Promise<void> {
    const entries = await this.redis.zrange(`{${list}}:leases`, 0, "-1", "WITHSCORES");
    for (let at = 0; at < entries.length; at += 2) {
      const [id = "", endsAt] = entries.slice(at);
      await this.redis.zadd(`{${list}}:leases`, Number(endsAt) - 1e12, id);
    }
    await this.redis.del(`{${list}}:busy`);
  }

  /** Commands that Redis itself has counted since the last reset, those of this door left out. */
  async commandCount(): Promise<number> {
    const info = await this.redis.info("commandstats");
    let total = 0;
    for (const [, name, calls] of info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)) {
      if (!/^(config|info|client|select|hello|auth|command)/.test(name as string)) total += Number(calls);
    }
    return total;
  }

  async resetCommandCount(): Promise<void> {
    await this.redis.config("RESETSTAT");
  }

  close(): void {
    this.#redis?.disconnect();
  }
}
