import { inspect } from "node:util";
import { expect, it } from "vitest";
import { type RedisCommand, RedisReplyError } from "../../src/index.ts";

const secret = "hunter2-and-more";

/** What a server says of a command whose argument is secret, and what the reader must still learn. */
const texts: [text: string, command: RedisCommand, kept: string][] = [
  [
    `ERR unknown command 'EVALSHA', with args beginning with: '${secret}' 'x' `,
    ["EVALSHA", secret],
    'ERR unknown command EVALSHA. It is renamed or disabled on this server; Spillway needs it, or engine: "plain".',
  ],
  [
    `ERR unknown command \`LPUSH\`, with args beginning with: \`q\`, \`${secret}\`, `,
    ["LPUSH", "q", secret],
    "unknown command LPUSH. It is renamed or disabled on this server; Spillway needs it.",
  ],
  [`ERR syntax error, command was: [["set","k","${secret}"]]`, ["SET", "k", secret], "ERR syntax error"],
  [
    `ERR Unknown subcommand or wrong number of arguments for '${secret}'`,
    ["CONFIG", secret],
    "ERR Unknown subcommand",
  ],
  [`ERR Invalid argument(s) ${secret}`, ["SET", "k", secret], "ERR Invalid argument(s)"],
  [
    `ERR Error compiling script (new function): user_script:1: '=' expected near '${secret}'`,
    ["EVAL", "return 1", 0],
    "ERR Error compiling script",
  ],
  [`ERR bad JSON {"name":"${secret}"}`, ["LPUSH", "q", "x"], "ERR bad JSON"],
  [`ERR bad value "it's ${secret}" and 'then ${secret}`, ["LPUSH", "q", "x"], "ERR bad value"],
  [`ERR cannot reach redis://default:${secret}@example.test:6379`, ["PING"], "ERR cannot reach"],
  [`ERR a long one ${"x".repeat(100)}${secret}`, ["PING"], "ERR a long one"],
  [`ERR ${"a word ".repeat(60)}${secret}`, ["PING"], "ERR a word"],
  [`${secret}`, ["LPUSH", "q", `${secret}, and more of it`], ""],
  [`ERR wrong number of arguments for 'lpush' command`, ["LPUSH", secret], "for 'lpush' command"],
  [
    `OOM command not allowed when used memory > 'maxmemory'.`,
    ["LPUSH", "q", secret],
    "used memory > 'maxmemory'.",
  ],
  [
    `READONLY You can't write against a read only replica.`,
    ["LPUSH", "q", secret],
    "against a read only replica.",
  ],
  [
    `NOPERM User bob has no permissions to run the 'evalsha' command`,
    ["EVALSHA", "sha", 2, "mail", "{mail}:dead", secret],
    '(EVALSHA "mail" "{mail}:dead"). Allow it with ACL SETUSER',
  ],
  [
    "WRONGTYPE Operation against a key holding the wrong kind of value",
    ["LPUSH", "mail", secret],
    '(LPUSH "mail")',
  ],
  [
    "WRONGTYPE Operation against a key holding the wrong kind of value",
    ["RPOPLPUSH", "a", "b"],
    '(RPOPLPUSH "a" "b")',
  ],
  ["NOAUTH Authentication required.", ["PING"], "Give the user and the password"],
];

it.each(texts)(
  "of %j to %j an error keeps what the reader must know, and no argument",
  (text, command, kept) => {
    const error = new RedisReplyError(text, { command });
    expect(error.message).toContain(kept);
    expect(error.prefix).toBe(/^[A-Z]+\b/.exec(text)?.[0] ?? "ERR");
    const shown = `${inspect(error, { depth: 9, showHidden: true })}${JSON.stringify(error)}${error.stack}`;
    expect(shown).not.toContain(secret);
    expect(error.message.length).toBeLessThan(400);
    expect(error.serverText).toBe(text);
  },
);
