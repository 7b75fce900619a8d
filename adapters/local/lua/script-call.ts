import { type RedisCommand, type RedisReply, RedisReplyError } from "../../../src/index.ts";

/** A status reply (`OK`), which is a table to a script, where a bulk reply is a string. */
export class Status {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Runs a command for a script. Throws `RedisReplyError` as Redis answers. */
export type ScriptCall = (command: RedisCommand) => RedisReply | Status;

/** About a second of work. A script that runs longer would block this process. */
export const instructionsMax = 300_000_000;

/** A script ran too long and was ended. */
export class EndlessScript extends RedisReplyError {
  constructor() {
    super(
      `BUSY the script ran more than ${instructionsMax} instructions, so the embedded store has ended it; what it has written stays`,
    );
  }
}
