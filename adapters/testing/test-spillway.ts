import {
  createSpillway,
  type ListsReport,
  OptionError,
  type Pushable,
  type Spillway,
  type SpillwayOptions,
} from "../../src/index.ts";
import { show } from "../../src/internals.ts";
import { Kit, pushTo, splitOptions } from "./kit.ts";
import type { TestControls, TestOptions } from "./test-controls.ts";
import type { ExpectedOutcome, Fate, TestOutcome } from "./test-outcome.ts";

/** Options of `createTestSpillway`: those of `createSpillway`, except `redis` and `clock`, which the kit sets itself. */
export type TestSpillwayOptions = Omit<SpillwayOptions, "redis" | "clock"> & TestOptions;

/** Several lists under test. Each verb is described at `TestDrain`; here it takes the name of the list too. */
export interface TestSpillway extends TestControls<ListsReport> {
  /** All lists together, without `run`. None of its requests is lost, and it does not die. */
  readonly spillway: Omit<Spillway, "run">;
  push(list: string, ...messages: Pushable[]): Promise<void>;
  outcomeOf(list: string, message: Pushable): TestOutcome;
  outcomes(list: string): TestOutcome[];
  expect(list: string, message: Pushable, expected: Fate | ExpectedOutcome): void;
}

/**
 * The same as `createTestDrain` for several lists. Throws `OptionError` for bad options; its verbs throw it for an unknown list.
 *
 * @example
 * const kit = createTestSpillway({ lists: { orders: { handler: bill }, mails: { handler: send } } });
 * await kit.push("orders", { id: 1 });
 * await kit.drainUntilEmpty();
 * kit.expect("orders", { id: 1 }, "acked");
 */
export function createTestSpillway(options: TestSpillwayOptions): TestSpillway {
  const { own, given } = splitOptions(options, ["redis", "clock"]);
  const lists = (given.lists ?? {}) as Readonly<Record<string, object>>;
  const kit = new Kit(
    own,
    ({ redis, clock, watched }) => {
      const seen = Object.entries(lists).map(([name, settings]) => [name, watched({ ...settings })]);
      return createSpillway({ ...given, redis, clock, lists: Object.fromEntries(seen) } as never);
    },
    (list) => ({ ...lists[nameOf(list, lists)] }),
    Object.keys(lists).filter((name) => name.includes("*")),
  );
  const { run, ...spillway } = createSpillway({ ...given, redis: kit.redis, clock: kit.time } as never);
  for (const name of Object.keys(spillway.lists)) kit.list(name);
  const close = async (): Promise<void> => {
    kit.close();
    await spillway.close();
  };
  return {
    ...kit.controls(),
    spillway,
    push: async (list, ...messages) => pushTo(kit.list(list), messages, () => spillway.push(list, messages)),
    outcomeOf: (list, message) => kit.list(list).outcomeOf(message),
    outcomes: (list) => kit.list(list).outcomes(),
    expect: (list, message, expected) => kit.list(list).expect(message, expected),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The name under which a list's options stand: its own, or the pattern that it fits. Throws `OptionError` for neither. */
function nameOf(list: string, lists: object): string {
  const names = Object.keys(lists);
  const pattern = names.find((name) => {
    const [prefix = "", suffix] = name.split("*");
    const isLonger = list.length > prefix.length + (suffix ?? "").length;
    return suffix !== undefined && isLonger && list.startsWith(prefix) && list.endsWith(suffix);
  });
  const found = names.find((name) => name === list) ?? pattern;
  if (found === undefined) throw new OptionError("list", `one of ${names.map(show).join(", ")}`, show(list));
  return found;
}
