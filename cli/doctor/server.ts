import type { Check } from "./examination.ts";

/** Older ones are not tested. */
const versionMin = "6.2";
/** From these parts of its memory on a Redis is nearly full. */
const fullPart = 0.9;
const fillingPart = 0.75;

export const version: Check = {
  name: "version",
  async examine(examination) {
    const info = await examination.info();
    const known = [
      ["Valkey", info.get("valkey_version")],
      ["Dragonfly", info.get("dragonfly_version")?.replace(/^df-v?/, "")],
      ["Upstash", info.get("upstash_version")],
      ["Redis", info.get("redis_version")],
    ] as const;
    const [name, number] = known.find(([, text]) => text !== undefined) ?? ["", undefined];
    if (number === undefined) return { level: "skipped", text: "The server does not tell its version." };
    const speaks = info.get("redis_version") ?? number;
    const text = `${name} ${number}${speaks === number ? "" : `, which speaks as Redis ${speaks}`}.`;
    if (!isOlder(speaks, versionMin)) return { level: "ok", text };
    const mend = `Use Redis ${versionMin} or newer, or Valkey.`;
    return { level: "warning", text: `${text} Older than ${versionMin} is not tested.`, mend };
  },
};

function isOlder(given: string, wanted: string): boolean {
  const [major = 0, minor = 0] = given.split(".").map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split(".").map(Number);
  return major < wantedMajor || (major === wantedMajor && minor < wantedMinor);
}

export const eviction: Check = {
  name: "eviction",
  async examine(examination) {
    const policy =
      (await examination.info()).get("maxmemory_policy") ?? (await examination.setting("maxmemory-policy"));
    if (policy === undefined)
      return { level: "skipped", text: "The server does not tell its eviction policy." };
    if (policy === "noeviction") return { level: "ok", text: "A full Redis evicts nothing (noeviction)." };
    const text = `A full Redis deletes keys (${policy}), lists with their messages too.`;
    // What drains keep without an end cannot be evicted; marks and done-markers may.
    const isOfExpiring = policy.startsWith("volatile-");
    const mend = "CONFIG SET maxmemory-policy noeviction — on Upstash: turn Eviction off in the console.";
    return isOfExpiring
      ? {
          level: "warning",
          text: `A full Redis deletes keys that expire (${policy}), ids of push among them.`,
          mend,
        }
      : { level: "problem", text, mend };
  },
};

export const persistence: Check = {
  name: "persistence",
  async examine(examination) {
    const info = await examination.info();
    const appends = info.get("aof_enabled");
    if (appends === undefined)
      return { level: "skipped", text: "The server does not tell how it keeps its data." };
    if (info.get("rdb_last_bgsave_status") === "err" || info.get("aof_last_write_status") === "err") {
      const text = "Redis could not write to its disk the last time, and may refuse all writes.";
      return { level: "problem", text, mend: "Look at the server's log and its disk (df -h); then: BGSAVE" };
    }
    if (appends === "1") return { level: "ok", text: "Redis keeps what it holds in an append-only file." };
    const mend = "CONFIG SET appendonly yes, and write it to redis.conf (CONFIG REWRITE).";
    const saves = await examination.setting("save");
    if (saves === "") {
      return { level: "problem", text: "Redis keeps nothing on disk: a restart loses every message.", mend };
    }
    const text = "Redis writes snapshots alone: a crash loses the messages since the last one.";
    return { level: "warning", text, mend };
  },
};

export const memoryLeft: Check = {
  name: "memory",
  async examine(examination) {
    const used = await examination.number("used_memory");
    const most = await examination.number("maxmemory");
    if (used === undefined || most === undefined) {
      return { level: "skipped", text: "The server does not tell how much memory is left." };
    }
    if (most === 0) {
      const system = await examination.number("total_system_memory");
      const part = system ? used / system : 0;
      const text = `Redis has no memory limit, and holds ${megabytes(used)}.`;
      const mend = "CONFIG SET maxmemory … a little below what the machine has; a full Redis still drains.";
      return part < fullPart ? { level: "ok", text } : { level: "warning", text, mend };
    }
    const part = used / most;
    const text = `${Math.round(part * 100)} % of ${megabytes(most)} are used.`;
    const mend =
      "Drain faster (maxConcurrency), purge dead letters (spillway dead purge), or raise maxmemory.";
    if (part >= fullPart) return { level: "problem", text: `${text} Full, it refuses pushes.`, mend };
    return part < fillingPart ? { level: "ok", text } : { level: "warning", text, mend };
  },
};

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(bytes < 10 * 1024 * 1024 ? 1 : 0)} MB`;
}
