// A worker that stays. It resizes the images of one user one after another, in the order they were pushed, and those of different users side by side.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { createDrain, type Message, NonRetryableError } from "spillway";
import { ioredis } from "spillway/ioredis";
import { startWorker } from "spillway/node";

interface Resize {
  readonly user: string;
  readonly source: string;
  readonly target: string;
  readonly width: number;
}

/** ImageMagick, or what takes the same arguments. */
const tool = process.env.IMAGE_TOOL ?? "magick";
const run = promisify(execFile);

const drain = createDrain<Resize>({
  redis: ioredis({ url: process.env.REDIS_URL ?? "redis://127.0.0.1:6379" }),
  list: "images",
  // A message that fails holds back the later ones of its user until it succeeds or is a dead letter. Other users are not held back.
  order: { byKey: "user" },
  concurrency: 4,
  maxAttempts: 3,
  handlerTimeoutMs: 60_000,
  handler: resize,
});
startWorker(drain);

async function resize({ value, signal }: Message<Resize>): Promise<void> {
  const { source, target, width } = value;
  if (!Number.isInteger(width) || width < 1 || width > 10_000)
    throw new NonRetryableError(`No width: ${width}`);
  // A message that is handled again writes the same file again.
  await run(tool, [source, "-resize", `${width}x`, target], { signal });
}
