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

/** About a second's work. A script that ran on would keep this process from everything else. */
export const instructionsMax = 300_000_000;

/** A script that did not end was ended. */
export class EndlessScript extends RedisReplyError {
  constructor() {
    super(
      `BUSY the script ran more than ${instructionsMax} instructions, and the embedded store has ended it; what it had written stays`,
    );
  }
}
