import type { ManualClock } from "./manual-clock.ts";

const refuse = (): never => {
  throw new Error("Not to be read.");
};

const then = "then";

function thenable(call: (done: (value: number) => void, fail: (error: Error) => void) => unknown): object {
  return Object.defineProperty({}, then, { value: call });
}

/** An object of which nothing can be read but that it is there: a promise waits for it, so `then` is nothing. */
export function unreadable(): object {
  return new Proxy(
    {},
    {
      get: (_, key) => (key === "then" ? undefined : refuse()),
      has: refuse,
      getPrototypeOf: refuse,
      ownKeys: refuse,
      getOwnPropertyDescriptor: refuse,
    },
  );
}

export function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** An error of that class with getters that throw in the place of what is usually read. */
export function lyingError(...keys: string[]): Error {
  const error = new Error("lie");
  for (const key of keys) Object.defineProperty(error, key, { get: refuse });
  return error;
}

/** What user code may throw, return or resolve with. Add a row for what has been met. */
export const hostileValues: readonly [name: string, make: () => unknown][] = [
  ["undefined", () => undefined],
  ["null", () => null],
  ["a number", () => Number.NaN],
  ["a bigint", () => 10n],
  ["a symbol", () => Symbol("no")],
  ["a function", () => () => refuse()],
  ["a class", () => class {}],
  ["a huge text", () => "x".repeat(500_000)],
  ["a text with halves of characters", () => "\ud800 no \udfff"],
  ["a frozen object", () => Object.freeze({})],
  ["an object without a prototype", () => Object.create(null)],
  ["an object whose text throws", () => ({ toString: refuse, [Symbol.toPrimitive]: refuse, toJSON: refuse })],
  ["an object that cannot be read", unreadable],
  ["a revoked proxy", revoked],
  [
    "an array that cannot be read",
    () => new Proxy([1], { get: (_, key) => (key === "then" ? undefined : refuse()) }),
  ],
  ["an array without end", () => Object.assign([], { length: 2 ** 32 - 1 })],
  [
    "an iterable without end",
    () =>
      (function* () {
        for (;;) yield 1;
      })(),
  ],
  ["a thenable that throws", () => thenable(refuse)],
  ["a thenable whose then cannot be read", () => Object.defineProperty({}, then, { get: refuse })],
  ["a thenable that answers twice", () => thenable((done) => [done(1), done(2)])],
  ["a thenable that rejects and resolves", () => thenable((done, fail) => [fail(new Error("no")), done(1)])],
  ["a rejection", () => Promise.reject(new Error("no"))],
  ["a rejection with nothing", () => Promise.reject()],
  ["a rejection with what cannot be read", () => Promise.reject(unreadable())],
  ["an error", () => new Error("no")],
  ["an error whose name throws", () => lyingError("name")],
  [
    "an error of which all throws",
    () => lyingError("name", "message", "stack", "cause", "untilMs", "toString"),
  ],
  [
    "an error with a symbol for a name",
    () => Object.assign(new Error("no"), { name: Symbol("no"), message: Symbol("no") }),
  ],
  [
    "an error with huge texts",
    () => Object.assign(new Error("m".repeat(500_000)), { stack: "s".repeat(500_000) }),
  ],
  [
    "an error that is its own cause",
    () => {
      const error = new Error("no");
      error.cause = error;
      return error;
    },
  ],
  [
    "a result that holds itself",
    () => {
      const one = { status: "fulfilled", value: null as unknown };
      one.value = [one];
      return one;
    },
  ],
];

/** Lets a run on a held clock end, however long it waits. */
export async function finish<Value>(clock: ManualClock, value: Promise<Value>): Promise<Value> {
  let isSettled = false;
  void value
    .catch(() => undefined)
    .finally(() => {
      isSettled = true;
    });
  while (!isSettled) {
    await new Promise(setImmediate);
    clock.advance(50);
  }
  return value;
}
