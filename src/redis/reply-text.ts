import { toText } from "../bytes.ts";
import type { RedisCommand } from "./redis-client.ts";

const charsMax = 200;
/** At most this much of a server's text is read. */
const charsRead = 2_000;
const keyCharsMax = 100;
/** A shorter argument is not looked for: it gives nothing away, and any text may contain it by chance. */
const argumentCharsMin = 4;
/** Of a longer one, only the beginning is looked for, since servers may cut it off. */
const argumentCharsSought = 16;

/** Where a text begins to quote what it was sent: an opening quote or bracket, or words that announce it. */
const echo =
  /,? (with args beginning with|command was)\b|["`{[<]|(?<!\w)'(?!(\w+(\|\w+)?' (sub)?command|maxmemory'|yes'|no'))/i;

/** Quotes around the name of a command, which may stay. */
const commandName = /\bcommand:? ['"`]([\w|]{1,40})['"`]/gi;

const credentials = /\/\/[^\s/@]*@/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it removes.
const unprintable = /[\x00-\x1f\x7f]+|\S{65,}/g;

const advice: Readonly<Record<string, string>> = {
  NOPERM: "Allow it with ACL SETUSER, or connect as a user who may.",
  NOAUTH: "Give the user and the password in the url, or the token.",
  WRONGPASS: "Check the user and the password in the url, or the token.",
  WRONGTYPE:
    "Another program keeps a value of another type in this key: use another list name, or move that value.",
};

/**
 * The server's words as it says them outside a script: inside, Redis 6 begins with the place in the script, and a missing
 * right has a text of its own.
 */
export function withoutScript(text: string): string {
  if (/executing the script can't|ACL failure/.test(text)) return "NOPERM this user may not do that";
  return text.replace(/^.*@user_script: ?\d+: ?-?/, "");
}

/**
 * The part of a server's error text that may be shown: servers quote arguments of the command that they refuse, and these may be
 * payloads. With `command`, the text also names the command and, where they matter, its keys.
 */
export function safeReplyText(text: string, command?: RedisCommand): string {
  const safe = withoutEchoes(text, command);
  if (command && /unknown command/i.test(text)) return `${safe.replace(/ …$/, "")}. ${unknownTo(command)}`;
  const [prefix = ""] = /^[A-Z]+/.exec(text) ?? [];
  const cure = advice[prefix];
  if (cure === undefined) return safe;
  const subject = command ? ` (${[command[0].toUpperCase(), ...keysOf(command)].join(" ")})` : "";
  return `${safe.replace(/\.$/, "")}${subject}. ${cure}`;
}

function unknownTo([name]: RedisCommand): string {
  const otherwise = /^EVAL/i.test(name) ? ', or engine: "plain"' : "";
  return `It is renamed or disabled on this server; Spillway needs it${otherwise}.`;
}

function withoutEchoes(text: string, command: RedisCommand | undefined): string {
  const named = text.slice(0, charsRead).replace(commandName, "command $1");
  let end = echo.exec(named)?.index ?? named.length;
  for (const argument of command?.slice(1) ?? []) {
    if (typeof argument !== "string" || argument.length < argumentCharsMin) continue;
    const at = named.indexOf(toText(argument.slice(0, argumentCharsSought)));
    if (at >= 0 && at < end) end = at;
  }
  const kept = named.slice(0, end).replace(credentials, "//").replace(unprintable, "…");
  const short = kept.slice(0, charsMax).trimEnd();
  return end < named.length || kept.length > charsMax ? `${short} …` : short;
}

/** The keys of the command, quoted. Those of a script stand after their count. */
function keysOf([name, ...args]: RedisCommand): string[] {
  const isScript = /^EVAL/i.test(name);
  const count = isScript ? Number(args[1]) : /^(RPOPLPUSH|LMOVE)$/i.test(name) ? 2 : 1;
  const keys = args.slice(isScript ? 2 : 0).slice(0, count);
  return keys.map((key) => JSON.stringify(toText(String(key).slice(0, keyCharsMax))));
}
