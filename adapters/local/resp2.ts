import { type RedisCommand, RedisProtocolError, type RedisReply, RedisReplyError } from "../../src/index.ts";
import { Status } from "./lua/script-call.ts";

const lineEnd = "\r\n";

/** A command as Redis reads it. */
export function writeCommand(command: RedisCommand): Buffer {
  return writeReply(command.map(String));
}

/** A reply as Redis writes it. */
export function writeReply(reply: RedisReply | RedisReplyError | Status): Buffer {
  return Buffer.from(replyText(reply), "latin1");
}

function replyText(reply: RedisReply | RedisReplyError | Status): string {
  if (reply instanceof RedisReplyError) return `-${reply.serverText}${lineEnd}`;
  if (reply instanceof Status) return `+${reply.text}${lineEnd}`;
  if (reply === null) return `$-1${lineEnd}`;
  if (typeof reply === "number") return `:${reply}${lineEnd}`;
  if (typeof reply === "string") return `$${reply.length}${lineEnd}${reply}${lineEnd}`;
  return `*${reply.length}${lineEnd}${reply.map(replyText).join("")}`;
}

/** Cuts a stream of bytes into whole replies. */
export class ReplyCutter {
  #bytes = Buffer.alloc(0);
  /** Up to here it has been looked at. */
  #at = 0;
  /** How many entries each array that has begun still lacks, the innermost last. */
  readonly #lacking: number[] = [];

  /** Takes what has come, and returns the replies that are whole with it. */
  push(chunk: Uint8Array): Buffer[] {
    this.#bytes = this.#bytes.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#bytes, chunk]);
    const replies: Buffer[] = [];
    while (this.#step()) {
      if (this.#lacking.length > 0) continue;
      replies.push(this.#bytes.subarray(0, this.#at));
      this.#bytes = this.#bytes.subarray(this.#at);
      this.#at = 0;
    }
    return replies;
  }

  /** Moves on by one element. Returns false where it is not whole yet. */
  #step(): boolean {
    const end = this.#bytes.indexOf(lineEnd, this.#at);
    if (end < 0) return false;
    const type = String.fromCharCode(this.#bytes[this.#at] as number);
    const length = Number(this.#bytes.toString("latin1", this.#at + 1, end));
    const after = end + lineEnd.length;
    if (type === "*" && length > 0) {
      this.#at = after;
      this.#lacking.push(length);
      return true;
    }
    const next = type === "$" && length >= 0 ? after + length + lineEnd.length : after;
    if (next > this.#bytes.length) return false;
    this.#at = next;
    while (this.#lacking.length > 0) {
      const left = (this.#lacking.pop() as number) - 1;
      if (left > 0) {
        this.#lacking.push(left);
        break;
      }
    }
    return true;
  }
}

/** Reads one whole reply. Throws `RedisReplyError` where it is an error. */
export function readReply(bytes: Buffer): RedisReply {
  let at = 0;
  const read = (): RedisReply => {
    const end = bytes.indexOf(lineEnd, at);
    const type = String.fromCharCode(bytes[at] as number);
    const line = bytes.toString("latin1", at + 1, end);
    at = end + lineEnd.length;
    switch (type) {
      case "+":
        return line;
      case "-":
        throw new RedisReplyError(line);
      case ":":
        return Number(line);
      case "$": {
        if (Number(line) < 0) return null;
        const text = bytes.toString("latin1", at, at + Number(line));
        at += Number(line) + lineEnd.length;
        return text;
      }
      case "*":
        return Number(line) < 0 ? null : Array.from({ length: Number(line) }, read);
      default:
        throw new RedisProtocolError(`A reply that begins with ${JSON.stringify(type)} is not RESP2.`);
    }
  };
  return read();
}
