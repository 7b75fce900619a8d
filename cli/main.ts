#!/usr/bin/env node
import { runToEnd } from "./lifetime.ts";
import { makeProgram } from "./program.ts";

const { argv, env, stdin, stdout, stderr } = process;
// Whoever read what is printed may be gone, which ends nothing. A result that cannot be written is a failure.
stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
  if (code === "EPIPE") return;
  stderr.write(`error: the result could not be written (${code}).\n`);
  process.once("exit", () => {
    process.exitCode = 1;
  });
});
stderr.on("error", () => undefined);
const host = {
  args: argv.slice(2),
  environment: env,
  stdin,
  stdout,
  stderr,
  run: runToEnd,
  exit: process.exit,
};
await makeProgram(host).parseAsync(host.args, { from: "user" });
