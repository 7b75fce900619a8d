// A preload for Bun, whose schedule can be neither hurried nor held. A job is scheduled as it asks for, but what it does is
// started by SIGUSR2, and not by the minute.
declare const Bun: { cron(pattern: string, run: () => Promise<void>): { stop(): void } };

const { cron } = Bun;
Bun.cron = (pattern, run) => {
  process.on("SIGUSR2", run);
  return cron(pattern, async () => undefined);
};
