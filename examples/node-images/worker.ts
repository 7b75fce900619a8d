// A worker that stays: image jobs of one user run one after another, in the order they were pushed; users run side by side.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { createDrain, type Message, NonRetryableError } from "spillway";
import { ioredis } from "spillway/ioredis";
import { startWorker } from "spillway/node";

interface ImageJob {
  readonly user: string;
  readonly source: string;
  readonly target: string;
  readonly width: number;
}

/** ImageMagick, or what takes the same arguments. */
const tool = process.env.IMAGE_TOOL ?? "magick";
const run = promisify(execFile);

const drain = createDrain<ImageJob>({
  redis: ioredis({ url: process.env.REDIS_URL ?? "redis://127.0.0.1:6379" }),
  list: "images",
  // A job that fails holds the later ones of its user until it succeeds or is a dead letter, and nobody else's.
  order: { byKey: "user" },
  concurrency: 4,
  maxAttempts: 3,
  handlerTimeoutMs: 60_000,
  handler: resize,
});
startWorker(drain);

async function resize({ value, signal }: Message<ImageJob>): Promise<void> {
  const { source, target, width } = value;
  if (!Number.isInteger(width) || width < 1 || width > 10_000)
    throw new NonRetryableError(`No width: ${width}`);
  // A job that is run again writes the same file again.
  await run(tool, [source, "-resize", `${width}x`, target], { signal });
}
