import { RedisReplyError, RedisTransportError } from "../../src/index.ts";
import { duration } from "../moments.ts";
import type { Check, Finding } from "./examination.ts";

/** From here on a round trip is worth a word, ms. */
const slowMs = 100;
/** Round trips that are measured; the middle one counts. */
const measuredCount = 5;
/** From here on clocks differ by more than a request takes, ms. */
const skewMsMax = 2_000;

/** Whether Redis answers, and takes the credentials. Where it does not, nothing else can be looked at. */
export const reachable: Check = {
  name: "reachable",
  async examine(examination) {
    const { place, isRest } = examination.options;
    try {
      await examination.ask(["PING"]);
      return { level: "ok", text: `${place} answers, and takes the credentials.` };
    } catch (error) {
      return explain(error, place, isRest);
    }
  },
};

function explain(error: unknown, place: string, isRest: boolean): Finding {
  const isRefused =
    (error instanceof RedisTransportError && (error.status === 401 || error.status === 403)) ||
    (error instanceof RedisReplyError && /^(WRONGPASS|NOAUTH|NOPERM)$/.test(error.prefix));
  const message = error instanceof Error ? error.message : String(error);
  if (isRefused) {
    const mend = isRest
      ? "Set UPSTASH_REDIS_REST_TOKEN to the REST token of this database, as its console shows it."
      : "Give the user and the password in the URL: redis://user:password@host:port.";
    return { level: "problem", text: `${place} refuses the credentials: ${message}`, mend };
  }
  const mend = isRest
    ? "Look at the URL: it is the REST URL of the console, which begins with https://."
    : "Look at host, port and firewall; a server that wants TLS has a URL that begins with rediss://.";
  return { level: "problem", text: `${place} does not answer: ${message}`, mend };
}

export const latency: Check = {
  name: "latency",
  async examine(examination) {
    const taken: number[] = [];
    for (let time = 0; time < measuredCount; time++) {
      const startedAt = performance.now();
      await examination.ask(["PING"]);
      taken.push(performance.now() - startedAt);
    }
    const [middle = 0] = taken.sort((one, other) => one - other).slice(Math.floor(measuredCount / 2));
    const text = `A request takes ${middle.toFixed(middle < 10 ? 1 : 0)} ms from here.`;
    if (middle < slowMs) return { level: "ok", text };
    const mend = "Run the drain in the region of the database. Larger batches (batchSize) hide round trips.";
    return { level: "warning", text, mend };
  },
};

export const clockSkew: Check = {
  name: "clock",
  async examine(examination) {
    const sentAt = Date.now();
    const there = await examination.now();
    const skewMs = there - (sentAt + Date.now()) / 2;
    const text = `Redis' clock is ${duration(Math.abs(skewMs))} ${skewMs < 0 ? "behind" : "ahead of"} this machine's.`;
    if (Math.abs(skewMs) <= skewMsMax) return { level: "ok", text };
    const mend =
      "Set both clocks by NTP (timedatectl set-ntp true). Leases go by Redis' clock alone; moments given to push --at do not.";
    return { level: "warning", text, mend };
  },
};
