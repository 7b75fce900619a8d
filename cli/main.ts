#!/usr/bin/env node
import { runToEnd } from "./lifetime.ts";
import { makeProgram } from "./program.ts";

const { argv, env, stdin, stdout, stderr } = process;
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
