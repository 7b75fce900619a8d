import { OptionError } from "../errors.ts";
import { attempt, kindOf, shorten, show, showSecret, unreadable } from "./show.ts";

/** Checks one option. `Value` is its type when checked: the value given, or the default, or undefined without one. */
export interface Checker<Value> {
  /** What the option must be, in the words of an error: "must be …". */
  readonly wanted: string;
  readonly default?: Value;
  readonly isRequired?: boolean;
  /** Whether errors hide its value: always, or, as `text`, only where it is a text, which may be a secret. Texts of numbers are shown. */
  readonly isSecret?: boolean | "text";
  /** For a table: the options inside it. */
  readonly kinds?: Checkers;
  allows(value: unknown): boolean;
}

/** A number as a text, with a unit perhaps. */
const numberText = /^-?[\d.,]{0,20}(e\+?\d{1,3})? ?(ms|s|m|h|d)?$/i;

type Checkers = Readonly<Record<string, Checker<unknown>>>;

/** Exactly one checker for each option of an interface: `const kinds = { … } satisfies Kinds<SomeOptions>`. */
export type Kinds<Options> = { readonly [Name in keyof Options]-?: Checker<Options[Name] | undefined> };

/** Checked options, with a field for each name. */
export type Checked<Table> = {
  readonly [Name in keyof Table]: Table[Name] extends Checker<infer Value> ? Value : never;
};

/** What every kind takes: the default; undefined for none. */
interface Rules<Default> {
  readonly default?: Default;
}

/** A whole number from `min` to `max`; without `max`, up to 2 ^ 53. */
/* @__NO_SIDE_EFFECTS__ */
export function integer<const Default extends number | undefined = undefined>(
  rules: Rules<Default> & { readonly min: number; readonly max?: number },
): Checker<number | Default> {
  const { min, max = Number.MAX_SAFE_INTEGER } = rules;
  return {
    ...rules,
    wanted: `a whole number ${rules.max === undefined ? `of at least ${min}` : `from ${min} to ${max}`}`,
    isSecret: "text",
    allows: (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
  };
}

/** A string that is not empty, or that fits `pattern`. A secret is what a header can hold: ASCII without white space at its ends. */
/* @__NO_SIDE_EFFECTS__ */
export function text<const Default extends string | undefined = undefined>(
  rules: Rules<Default> & {
    readonly isSecret?: boolean;
    readonly pattern?: RegExp;
    readonly wanted?: string;
  } = {},
): Checker<string | Default> {
  const pattern = rules.pattern ?? (rules.isSecret ? /^[!-~]([ -~]*[!-~])?$/ : /./s);
  return {
    wanted: `a string with at least one character${rules.isSecret ? ", all of ASCII, and no white space at its ends" : ""}`,
    ...rules,
    allows: (value) => typeof value === "string" && pattern.test(value),
  };
}

/** One of some values. */
/* @__NO_SIDE_EFFECTS__ */
export function choice<const Choice, const Default extends Choice | undefined = undefined>(
  choices: readonly Choice[],
  rules: Rules<Default> = {},
): Checker<Choice | Default> {
  const wanted = choices.map(show).join(" or ");
  return { ...rules, wanted, allows: (value) => choices.includes(value as Choice) };
}

/* @__NO_SIDE_EFFECTS__ */
export function boolean<const Default extends boolean | undefined = undefined>(
  rules: Rules<Default> = {},
): Checker<boolean | Default> {
  return { ...choice([true, false], rules), isSecret: "text" } as Checker<boolean | Default>;
}

/** A function, of the type in the options' interface. Errors do not show a text in its place, which may be a secret. */
export function func<Type>(rules: Required<Rules<Type>>): Checker<Type>;
export function func<Type>(): Checker<Type | undefined>;
/* @__NO_SIDE_EFFECTS__ */
export function func<Type>(rules: Rules<Type> = {}): Checker<Type | undefined> {
  const allows = (value: unknown): boolean => typeof value === "function";
  return { ...rules, wanted: "a function", isSecret: "text", allows };
}

interface ObjectRules {
  readonly methods: readonly string[];
  /** Default: names the methods. */
  readonly wanted?: string;
}

/** An object or a function that has these methods. Errors do not show a text in its place. */
export function object<Type>(rules: ObjectRules & Required<Rules<Type>>): Checker<Type>;
export function object<Type>(rules: ObjectRules): Checker<Type | undefined>;
/* @__NO_SIDE_EFFECTS__ */
export function object<Type>(rules: ObjectRules & Rules<Type>): Checker<Type | undefined> {
  const { methods } = rules;
  return {
    wanted: `an object with ${methods.join(" and ")}`,
    isSecret: "text",
    ...rules,
    allows: (value) =>
      isObject(value) &&
      methods.every((name) => typeof (value as Record<string, unknown>)[name] === "function"),
  };
}

/** Options inside an option. With the default `{}`, leaving it out gives the defaults of those inside. */
/* @__NO_SIDE_EFFECTS__ */
export function table<const Table extends Checkers, Default extends object | undefined = undefined>(
  kinds: Table,
  rules: Rules<Default> = {},
): Checker<Checked<Table> | Extract<Default, undefined>> {
  return { ...rules, wanted: "a plain object", isSecret: "text", kinds, allows: isTable } as Checker<
    Checked<Table>
  >;
}

/** One kind or another. The default is that of the first. */
/* @__NO_SIDE_EFFECTS__ */
export function either<First, Second>(
  first: Checker<First>,
  second: Checker<Second>,
): Checker<First | Exclude<Second, undefined>> {
  return {
    ...(first as Checker<First | Exclude<Second, undefined>>),
    wanted: `${first.wanted} or ${second.wanted}`,
    allows: (value) => first.allows(value) || second.allows(value),
  };
}

/** An option that must be given. */
/* @__NO_SIDE_EFFECTS__ */
export function required<Value>(checker: Checker<Value>): Checker<Exclude<Value, undefined>> {
  return { ...(checker as Checker<Exclude<Value, undefined>>), isRequired: true };
}

/**
 * Checks options against their kinds and fills in the defaults. Each option is read once, and a getter that throws does no harm.
 * Throws `OptionError`, which shows no secret and nothing from inside an object.
 */
export function checkOptions<const Table extends Checkers>(
  kinds: Table,
  given: unknown,
  what = "options",
): Checked<Table> {
  return checkTable(kinds, given, what, "") as Checked<Table>;
}

function checkTable(kinds: Checkers, given: unknown, what: string, path: string): Record<string, unknown> {
  const names = attempt(() => isTable(given) && Object.keys(given));
  if (!names) throw new OptionError(what, "a plain object", kindOf(given));
  for (const name of names) {
    if (!Object.hasOwn(kinds, name)) throw unknownOption(path + name, name, Object.keys(kinds));
  }
  const checked: Record<string, unknown> = {};
  for (const [name, checker] of Object.entries(kinds)) {
    checked[name] = checkOne(checker, given as Record<string, unknown>, name, path + name);
  }
  return checked;
}

function checkOne(
  checker: Checker<unknown>,
  given: Record<string, unknown>,
  name: string,
  path: string,
): unknown {
  const { wanted, isRequired, isSecret, kinds } = checker;
  const read = attempt(() => ({ value: given[name] }));
  if (!read) throw new OptionError(path, wanted, unreadable);
  const isLeftOut = read.value === undefined && !isRequired;
  const value = isLeftOut ? checker.default : read.value;
  if (!isLeftOut && !attempt(() => checker.allows(value))) {
    const isHidden = isSecret === "text" ? typeof value === "string" && !numberText.test(value) : isSecret;
    throw new OptionError(path, wanted, isHidden ? showSecret(value) : show(value));
  }
  return kinds && typeof value === "object" ? checkTable(kinds, value, path, `${path}.`) : value;
}

function unknownOption(path: string, name: string, known: readonly string[]): OptionError {
  const [nearest] = known.filter((one) => isNear(one.toLowerCase(), name.toLowerCase()));
  const wanted = nearest ? `a known option (did you mean "${nearest}"?)` : `one of ${known.join(", ")}`;
  return new OptionError(shorten(path), wanted, "an unknown name");
}

/** Whether two names differ by at most two letters that are added, left out or changed, and share some. */
function isNear(known: string, given: string): boolean {
  if (Math.abs(known.length - given.length) > 2) return false;
  let row = Array.from(`.${given}`, (_, at) => at);
  for (const [at, letter] of Array.from(known).entries()) {
    const next = [at + 1];
    for (const [to, other] of Array.from(given).entries()) {
      const changed = (row[to] as number) + (letter === other ? 0 : 1);
      next.push(Math.min(changed, (row[to + 1] as number) + 1, (next[to] as number) + 1));
    }
    row = next;
  }
  return (row.at(-1) as number) <= Math.min(2, known.length - 1);
}

/** What stands elsewhere in a Map, a date or a Number would be left out unseen. */
function isTable(value: unknown): value is object {
  const tag = Object.prototype.toString.call(value);
  return kindOf(value) === "an object" && ["[object Object]", "[object Module]"].includes(tag);
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" || typeof value === "function") && value !== null;
}
