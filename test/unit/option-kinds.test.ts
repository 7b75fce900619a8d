import { describe, expect, it } from "vitest";
import { OptionError } from "../../src/index.ts";
import {
  boolean,
  checkOptions,
  choice,
  either,
  func,
  integer,
  type Kinds,
  object,
  required,
  table,
  text,
} from "../../src/options/option-kinds.ts";
import { show, showSecret } from "../../src/options/show.ts";

interface Example {
  url: string;
  token?: string;
  count?: number;
  mode?: "fast" | "safe";
  isQuiet?: boolean;
  onEnd?: () => void;
  store?: { get(): void; set(): void };
  pause?: { firstMs?: number; lastMs?: number } | false;
}

const kinds = {
  url: required(text()),
  token: text({ isSecret: true }),
  count: integer({ min: 1, max: 100, default: 7 }),
  mode: choice(["fast", "safe"], { default: "safe" }),
  isQuiet: boolean({ default: false }),
  onEnd: func(),
  store: object({ methods: ["get", "set"] }),
  pause: either(
    table(
      { firstMs: integer({ min: 0, default: 10 }), lastMs: integer({ min: 0, default: 20 }) },
      { default: {} },
    ),
    choice([false]),
  ),
} satisfies Kinds<Example>;

const good = { url: "redis://here" };

function refusal(given: unknown): OptionError {
  try {
    checkOptions(kinds, given);
  } catch (error) {
    expect(error).toBeInstanceOf(OptionError);
    return error as OptionError;
  }
  throw new Error("Nothing was refused.");
}

function thrower(): never {
  throw new TypeError("I throw when read.");
}

const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};
const throwing = new Proxy({}, { get: thrower, has: thrower, ownKeys: thrower, getPrototypeOf: thrower });

/** Values that no option of `Example` takes, and how an error shows each. Functions, since a test runner prints values. */
const hostile: [string, () => unknown, string][] = [
  ["NaN", () => Number.NaN, "NaN"],
  ["an infinite number", () => Number.POSITIVE_INFINITY, "Infinity"],
  ["a number larger than any count", () => 1e21, "1e+21"],
  ["minus zero", () => -0, "-0"],
  ["a fraction", () => 1.5, "1.5"],
  ["null", () => null, "null"],
  ["an array", () => [], "an array"],
  ["a promise", () => Promise.resolve(5), "a promise"],
  ["a symbol", () => Symbol("secret"), "a symbol"],
  ["a BigInt", () => 5n, "a bigint"],
  ["an object whose toString throws", () => ({ toString: thrower, toJSON: thrower }), "an object"],
  ["an object without a prototype", () => Object.create(null), "an object"],
  ["a Proxy that throws whatever is done to it", () => throwing, "an object"],
  ["a revoked Proxy", revoked, "something that cannot be read"],
];
const names = ["url", "token", "count", "mode", "isQuiet", "onEnd", "store"] as const;

describe("checkOptions", () => {
  it.each(hostile)("refuses %s for any option, and shows what it is", (_, make, shown) => {
    for (const name of names) {
      const received = name === "token" ? showSecret(make()) : shown;
      expect(refusal({ ...good, [name]: make() })).toMatchObject({ option: name, received });
    }
  });

  it.each(hostile.filter(([title]) => !/^(an object|a Proxy)/.test(title)))(
    "refuses %s for a table of options",
    (_, make, shown) => {
      expect(refusal({ ...good, pause: make() })).toMatchObject({ option: "pause", received: shown });
    },
  );

  it.each(hostile.filter(([title]) => title !== "an object without a prototype"))(
    "refuses %s for the options themselves",
    (_, make) => {
      expect(refusal(make()).code).toBe("invalid-option");
    },
  );

  it.each<[string, Record<string, unknown>, string, string]>([
    ["a number as text", { count: "5" }, "count", '"5"'],
    ["a number too small", { count: 0 }, "count", "0"],
    ["a number too large", { count: 101 }, "count", "101"],
    ["an empty text", { url: "" }, "url", '""'],
    ["a text that is too long to show", { mode: "x".repeat(90) }, "mode", `"${"x".repeat(40)}…"`],
    ["another choice", { mode: "quick" }, "mode", '"quick"'],
    ["a number as true", { isQuiet: 1 }, "isQuiet", "1"],
    ["an object without one of its methods", { store: { get: () => undefined } }, "store", "an object"],
    ["true where only false is meant", { pause: true }, "pause", "true"],
    ["a time as text", { count: "10 s" }, "count", '"10 s"'],
    ["what may be a secret for a number", { count: "hunter2" }, "count", "another text"],
    ["what may be a secret for true or false", { isQuiet: "hunter2" }, "isQuiet", "another text"],
    ["what may be a secret for options", { pause: "hunter2" }, "pause", "another text"],
    ["a Map for options", { pause: new Map([["firstMs", 1]]) }, "pause", "an object"],
    ["a date for options", { pause: new Date(0) }, "pause", "an object"],
    ["a boxed number for options", { pause: new Object(5) }, "pause", "an object"],
    ["a bad option inside an option", { pause: { firstMs: -1 } }, "pause.firstMs", "-1"],
    ["nothing where something must be given", { url: undefined }, "url", "nothing"],
  ])("refuses %s: %o", (_, bad, option, received) => {
    expect(refusal({ ...good, ...bad })).toMatchObject({ option, received });
  });

  it("turns a getter that throws into an OptionError that names the option", () => {
    expect(
      refusal(Object.defineProperty({ ...good }, "count", { get: thrower, enumerable: true })),
    ).toMatchObject({ option: "count", received: "something that cannot be read" });
    const methods = Object.defineProperty({}, "get", { get: thrower });
    expect(refusal({ ...good, store: methods }).option).toBe("store");
    expect(refusal({ ...good, pause: throwing }).option).toBe("pause");
  });

  it("reads each option once, so that what was checked is what is used", () => {
    let reads = 0;
    const counting = {
      ...good,
      get count() {
        reads += 1;
        return reads === 1 ? 5 : Number.NaN;
      },
    };
    expect(checkOptions(kinds, counting).count).toBe(5);
    expect(reads).toBe(1);
  });

  it.each<[string, string]>([
    ["cuont", "count"],
    ["Count", "count"],
    ["ulr", "url"],
    ["tokn", "token"],
    ["onend", "onEnd"],
    ["stores", "store"],
  ])("asks for %s whether %s was meant", (given, meant) => {
    expect(refusal({ ...good, [given]: 1 }).message).toBe(
      `Option "${given}" must be a known option (did you mean "${meant}"?); got an unknown name.`,
    );
  });

  it.each(["colour", "x", "", "__proto__x", "toString", "constructor", "count".repeat(1_000)])(
    "names the known options where %j is near none of them",
    (given) => {
      const error = refusal({ ...good, [given]: 1 });
      expect(error.message).toContain("one of url, token, count, mode, isQuiet, onEnd, store, pause");
      expect(error.message.length).toBeLessThan(200);
    },
  );

  it("names an unknown option inside an option by both", () => {
    expect(refusal({ ...good, pause: { firstMS: 5 } })).toMatchObject({
      option: "pause.firstMS",
      expected: 'a known option (did you mean "firstMs"?)',
    });
  });

  it.each([" pw", "pw ", "pw\n", "p\nw", "\u00a0pw", "", 5, ["pw"], { pw: "pw" }])(
    "refuses the secret %j and shows nothing of it",
    (token) => {
      const error = refusal({ ...good, token });
      expect(error.option).toBe("token");
      expect(error.message).not.toMatch(/pw|5/);
    },
  );

  it("says of a secret that white space at its ends is what is wrong", () => {
    expect(refusal({ ...good, token: "pw\n" }).received).toBe("one with white space at its ends");
  });

  it("fills in the defaults, also those inside an option", () => {
    const rest = {
      count: 7,
      mode: "safe",
      isQuiet: false,
      token: undefined,
      onEnd: undefined,
      store: undefined,
    };
    expect(checkOptions(kinds, good)).toEqual({ ...good, ...rest, pause: { firstMs: 10, lastMs: 20 } });
    expect(checkOptions(kinds, { ...good, pause: { lastMs: 0 } }).pause).toEqual({ firstMs: 10, lastMs: 0 });
    expect(checkOptions(kinds, { ...good, pause: false, count: 100 })).toMatchObject({
      pause: false,
      count: 100,
    });
  });

  it("types a table so that it names exactly the options of its interface", () => {
    // @ts-expect-error `count` has no checker
    ({ url: required(text()) }) satisfies Kinds<{ url: string; count?: number }>;
    // @ts-expect-error `cuont` is no option
    ({ url: required(text()), cuont: integer({ min: 1 }) }) satisfies Kinds<{ url: string }>;
    // @ts-expect-error `count` is a number
    ({ count: text() }) satisfies Kinds<{ count?: number }>;
    const { count, url, token }: { count: number; url: string; token: string | undefined } = checkOptions(
      kinds,
      good,
    );
    expect([count, url, token]).toEqual([7, "redis://here", undefined]);
  });
});

describe("show", () => {
  it.each<[string, () => unknown, string]>([
    ["a text with a line break", () => "a\nb", '"a\\nb"'],
    ["true", () => true, "true"],
    ["a function", () => () => undefined, "a function"],
    ["nothing", () => undefined, "nothing"],
    ["a number", () => 5, "5"],
    ...hostile,
  ])("of %s", (_, make, shown) => {
    expect(show(make())).toBe(shown);
  });
});
