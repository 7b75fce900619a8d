import { Command } from "commander";
import type { DeadLetter, DeadLetterChange, DeadLetterWhere } from "../../src/index.ts";
import { isConfirmed } from "../ask.ts";
import { type ConnectionOptions, type ListOptions, openDrain, withList, withOrder } from "../connection.ts";
import { counted } from "../counts.ts";
import type { Host } from "../host.ts";
import { moment } from "../moments.ts";
import { payloadBlock, payloadJson, payloadLine } from "../payload-text.ts";
import { shortened, visible, visibleLines } from "../safe-text.ts";
import { doing, type Session, withExamples } from "../session.ts";
import { columns, fields, type Terminal } from "../terminal.ts";
import { readCount, readMoment } from "../values.ts";

interface SelectionOptions extends ConnectionOptions, ListOptions {
  readonly id?: string;
  readonly reason?: string;
  readonly errorName?: string;
  readonly text?: string;
  readonly since?: number;
  readonly until?: number;
  readonly max?: number;
  readonly newest?: boolean;
}

interface ChangeOptions extends SelectionOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

export function deadCommand(host: Host): Command {
  return new Command("dead")
    .description("look at the dead letters of a list, return them to it, or delete them")
    .addCommand(listCommand(host))
    .addCommand(showCommand(host))
    .addCommand(changeCommand(host, "redrive"))
    .addCommand(changeCommand(host, "purge"));
}

function withSelection(command: Command): Command {
  return command
    .optionsGroup("Which dead letters:")
    .option("--id <id>", "the one of this id")
    .option("--reason <reason>", "those of this reason, such as exhausted or crashed")
    .option("--error-name <name>", "those whose last attempt threw this, such as TypeError")
    .option("--text <text>", "those that have this in payload, reason or error")
    .option("--since <moment>", "those that died then or later: a date, or epoch ms", readMoment)
    .option("--until <moment>", "those that died then or earlier", readMoment)
    .option("--max <count>", "at most so many", readCount)
    .option("--newest", "the newest first; else the oldest")
    .optionsGroup("Options:");
}

function selectionOf(options: SelectionOptions): Pick<DeadLetterChange, "where" | "max" | "order"> {
  const { id, reason, errorName, text, since, until, max, newest } = options;
  const where: DeadLetterWhere = { id, reason, errorName, text, since, until };
  return { where, order: newest ? "newest" : "oldest", ...(max === undefined ? {} : { max }) };
}

function listCommand(host: Host): Command {
  const command = withSelection(withList(new Command("list").argument("<list>"))).description(
    "list dead letters, 100 where --max says no other number",
  );
  withExamples(command, [
    ["spillway dead list emails", "the oldest hundred"],
    ["spillway dead list emails --reason crashed --newest --max 10", "ten of one reason"],
  ]);
  return doing<[string], SelectionOptions>(host, command, async (session, options, list) => {
    const drain = await openDrain(list, options, session);
    const { terminal } = session;
    const letters = await drain.deadLetters.list(selectionOf(options));
    const heads = ["id", "died", "attempts", "reason", "error", "payload"];
    const rows = letters.map((letter) => [
      visible(letter.id),
      moment(letter.lastFailedAt),
      letter.attempts,
      visible(shortened(letter.reason, 20)),
      visible(shortened(letter.error ? `${letter.error.name}: ${letter.error.message}` : "-", 40)),
      payloadLine(letter.payload),
    ]);
    const lines =
      rows.length === 0 ? ["None."] : columns([heads.map((head) => terminal.toned(head, "faint")), ...rows]);
    session.terminal.show({ list, deadLetters: letters.map(asJson) }, lines);
    return 0;
  });
}

function showCommand(host: Host): Command {
  const command = withList(new Command("show").argument("<list>").argument("<id>"))
    .description("show one dead letter in full; it exits with 1 where there is none of that id")
    .option("--hex", "show the payload's bytes");
  withExamples(command, [["spillway dead show emails 4f1c2d.1.3", "an id as dead list shows it"]]);
  return doing<[string, string], ConnectionOptions & ListOptions & { hex?: boolean }>(
    host,
    command,
    async (session, options, list, id) => {
      const drain = await openDrain(list, options, session);
      const letter = await drain.deadLetters.show(id);
      if (letter)
        session.terminal.show(
          { list, deadLetter: asJson(letter) },
          linesOf(session.terminal, letter, options.hex === true),
        );
      else
        session.terminal.show({ list, deadLetter: null }, [
          `"${visible(list)}" has no dead letter of that id.`,
        ]);
      return letter ? 0 : 1;
    },
  );
}

/** Redrive and purge: first how many, then whether, then it is done. */
function changeCommand(host: Host, verb: "redrive" | "purge"): Command {
  const isPurge = verb === "purge";
  const does = isPurge
    ? "delete dead letters"
    : "return dead letters to the list, with a fresh count of attempts";
  const base = withList(new Command(verb).argument("<list>"));
  const command = withSelection(isPurge ? base : withOrder(base))
    .description(does)
    .option("--dry-run", "say how many, and do nothing")
    .option("--yes", "do not ask");
  withExamples(command, [
    [`spillway dead ${verb} emails --dry-run`, "how many would it be?"],
    [`spillway dead ${verb} emails --reason exhausted --yes`, "those, without asking"],
  ]);
  return doing<[string], ChangeOptions>(host, command, async (session, options, list) => {
    const { deadLetters } = await openDrain(list, options, session);
    const change = async (dryRun: boolean, max?: number): Promise<number> => {
      const wanted = { ...selectionOf(options), dryRun, ...(max === undefined ? {} : { max }) };
      return isPurge
        ? (await deadLetters.purge(wanted)).purged
        : (await deadLetters.redrive(wanted)).redriven;
    };
    const name = visible(list);
    const done = (count: number, text: string): number => {
      const key = isPurge ? "purged" : "redriven";
      session.terminal.show({ list, [key]: count, dryRun: options.dryRun === true }, [text]);
      return 0;
    };
    const does = (count: number): string =>
      isPurge
        ? `Deleted ${counted(count, "dead letter")} of "${name}".`
        : `Returned ${counted(count, "dead letter")} to "${name}".`;
    if (options.yes && !options.dryRun) {
      const count = await change(false);
      return done(count, does(count));
    }
    const count = await change(true);
    if (options.dryRun || count === 0)
      return done(
        options.dryRun ? count : 0,
        `${counted(count, "dead letter")} of "${name}" ${count === 1 ? "fits" : "fit"}.`,
      );
    const question = isPurge
      ? `Delete ${counted(count, "dead letter")} of "${name}"?`
      : `Return ${counted(count, "dead letter")} to "${name}"?`;
    if (!(await isConfirmed(question, options, session))) return notDone(session);
    // No more than was asked about: others may have died meanwhile.
    const changed = await change(false, count);
    return done(changed, does(changed));
  });
}

function notDone({ terminal }: Session): number {
  terminal.say("Nothing was done.");
  return 1;
}

function asJson({ payload, bytes, list: _, ...known }: DeadLetter): object {
  return { ...known, ...payloadJson(payload, bytes) };
}

function linesOf(terminal: Terminal, letter: DeadLetter, isHex: boolean): string[] {
  const { payload, bytes, error, issues, id, reason, attempts, firstFailedAt, lastFailedAt } = letter;
  const known = {
    id,
    reason,
    attempts,
    "first failed": moment(firstFailedAt),
    died: moment(lastFailedAt),
    bytes: bytes.length,
  };
  return [
    ...fields(known),
    ...(error
      ? [
          "",
          terminal.toned("Error", "strong"),
          visibleLines(error.stack ?? `${error.name}: ${error.message}`),
        ]
      : []),
    ...(issues.length > 0 ? ["", terminal.toned("Issues", "strong")] : []),
    ...issues.map(({ path, message }) => visible(`  ${path}: ${message}`)),
    "",
    terminal.toned("Payload", "strong"),
    ...payloadBlock(payload, bytes, isHex),
  ];
}
