import { toText } from "../bytes.ts";
import type { RedisCommand } from "./redis-client.ts";

const charsMax = 200;
/** No more of a server's text is looked at. */
const charsRead = 2_000;
const keyCharsMax = 100;
/** A shorter argument says nothing, and stands in any text by chance. */
const argumentCharsMin = 4;
/** Of a longer one, servers may repeat the beginning alone. */
const argumentCharsSought = 16;

/** From here on a text repeats what it was sent: an opening quote or bracket, or words that announce it. */
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
  WRONGTYPE: "Something else than Spillway keeps another type of value there.",
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
 * What an error of a server may say aloud: servers quote the arguments of the command that they refuse, and those are
 * payloads. With the command, the text also names it and its keys where that is what the reader must know.
 */
export function safeReplyText(text: string, command?: RedisCommand): string {
  const safe = withoutEchoes(text, command);
  const [prefix = ""] = /^[A-Z]+/.exec(text) ?? [];
  const cure = advice[prefix];
  if (cure === undefined) return safe;
  const subject = command ? ` (${[command[0].toUpperCase(), ...keysOf(command)].join(" ")})` : "";
  return `${safe.replace(/\.$/, "")}${subject}. ${cure}`;
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

/** The keys of the command, quoted: those of a script stand behind their number. */
function keysOf([name, ...args]: RedisCommand): string[] {
  const isScript = /^EVAL/i.test(name);
  const count = isScript ? Number(args[1]) : /^(RPOPLPUSH|LMOVE)$/i.test(name) ? 2 : 1;
  const keys = args.slice(isScript ? 2 : 0).slice(0, count);
  return keys.map((key) => JSON.stringify(toText(String(key).slice(0, keyCharsMax))));
}
