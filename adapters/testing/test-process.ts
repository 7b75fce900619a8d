import {
  type Clock,
  type EventListeners,
  fromBytes,
  type Listener,
  type Listeners,
  type Message,
  type RedisClient,
  type RedisCommand,
  RedisTransportError,
  toText,
} from "../../src/index.ts";
import { asError, attempt, firstOf, isArray, peek, shorten } from "../../src/internals.ts";
import type { Faults } from "./faults.ts";
import type { Sighting, Sightings } from "./sightings.ts";
import type { TestTime, Work } from "./test-time.ts";

/** What all processes of a test share. */
export interface TestWorld {
  readonly redis: RedisClient;
  readonly time: TestTime;
  readonly faults: Faults;
  /** What was seen of the messages of a list. */
  sightings(list: string): Sightings;
}

/** The user's functions among the options of a drain. */
interface UserFunctions {
  readonly [name: string]: unknown;
}

/** Commands that change nothing, which are not worth losing. */
const readOnly = new Set(
  "EXISTS GET HEXISTS HGET HGETALL HMGET LINDEX LLEN LRANGE PTTL SCAN TIME TYPE ZCARD ZRANGE ZRANGEBYSCORE ZSCORE".split(
    " ",
  ),
);
/** Characters of a message that an error shows. */
const shownCharsMax = 80;

/**
 * The process of one run. All that its drain sends, receives and waits for goes through here, so that it can die. From then on
 * nothing that it sends arrives, nothing comes back, and no handler begins; one that runs may run on, without any effect.
 */
export class TestProcess {
  readonly #world: TestWorld;
  readonly #works = new Set<Work>();
  readonly #timers = new Set<() => void>();
  #die: () => void = () => undefined;
  #isDead = false;
  /** Resolves when it dies. */
  readonly death = new Promise<"crashed">((resolve) => {
    this.#die = () => resolve("crashed");
  });

  constructor(world: TestWorld) {
    this.#world = world;
  }

  readonly clock: Clock = {
    now: () => this.#world.time.now(),
    after: (ms, callback) => {
      if (this.#isDead) return () => undefined;
      const cancel = this.#world.time.after(ms, () => {
        this.#timers.delete(cancel);
        callback();
      });
      this.#timers.add(cancel);
      return () => {
        this.#timers.delete(cancel);
        cancel();
      };
    },
  };

  readonly client: RedisClient = {
    name: "test",
    command: (command, options) => this.#send([command], () => this.#world.redis.command(command, options)),
    pipeline: (commands, options) =>
      this.#send(commands, () => this.#world.redis.pipeline(commands, options)),
    close: async () => undefined,
  };

  crash(): void {
    this.end();
    this.#die();
  }

  /** Ends the process: what it left running is no longer waited for. */
  end(): void {
    this.#isDead = true;
    for (const cancel of this.#timers) cancel();
    for (const work of this.#works) this.#world.time.end(work);
  }

  /** The options of its drain, with the functions observed while they work. */
  watched<Options extends UserFunctions>(options: Options): Options {
    const { handler, batchHandler, schema } = options;
    const found: Record<string, unknown> = { ...options };
    for (const name of ["batchBy", "retryDelay"])
      if (typeof options[name] === "function") found[name] = this.#seen(name, options[name] as () => unknown);
    if (typeof handler === "function")
      // A handler made by `idempotent` is known by a mark, which must be kept.
      found.handler = withMarksOf(handler, (message: Message) =>
        this.#handle([message], () => handler(message)),
      );
    if (typeof batchHandler === "function")
      found.batchHandler = (messages: readonly Message[], context: unknown) =>
        this.#handle(messages, () => batchHandler(messages, context));
    const standard = (schema as { "~standard"?: { validate: (value: unknown) => unknown } } | undefined)?.[
      "~standard"
    ];
    if (standard) {
      const validate = this.#seen("schema", (value: unknown) => standard.validate(value));
      found.schema = { "~standard": { ...standard, validate } };
    }
    found.on = this.#listening(options.on);
    return found as Options;
  }

  /** The listeners of its drain: those of the kit, and those of the user, which are observed while they work. */
  #listening(given: unknown): unknown {
    const own = {
      "message:failed": ({ message, error }) => {
        this.#sighting(message).error = asError(error);
      },
      "message:dead-lettered": ({ letter }) => {
        this.#sighting(letter).isDead = true;
      },
    } satisfies EventListeners;
    if (typeof given !== "object" || given === null) return given ?? own;
    const on = peek(given, "on") as Listeners["on"] | undefined;
    if (typeof on === "function") {
      // The user's listeners serve all processes; those of this one are removed when it ends.
      for (const [name, listener] of Object.entries(own))
        this.#timers.add(on(name as "message:failed", listener as Listener<"message:failed">));
      return given;
    }
    const theirs = Object.entries(given as Record<string, (event: never) => unknown>).map(
      ([name, listener]) => [name, typeof listener === "function" ? this.#seen(name, listener) : listener],
    );
    const seen = Object.fromEntries(theirs) as Record<string, (event: unknown) => unknown>;
    for (const [name, listener] of Object.entries(own)) {
      const user = seen[name];
      seen[name] = (event) => {
        listener(event as never);
        return typeof user === "function" ? user(event) : undefined;
      };
    }
    return seen;
  }

  async #send<Reply>(commands: readonly RedisCommand[], send: () => Promise<Reply>): Promise<Reply> {
    if (this.#isDead) return never();
    const { faults } = this.#world;
    const isOfInterest = commands.some(([name]) => !readOnly.has(name.toUpperCase()));
    if (isOfInterest && faults.takeRequest()) throw lost("request");
    const reply = await send();
    if (this.#isDead) return never();
    if (isOfInterest && faults.takeReply()) throw lost("reply");
    return reply;
  }

  async #handle(messages: readonly Message[], run: () => unknown): Promise<unknown> {
    const { faults } = this.#world;
    if (this.#isDead) return never();
    if (faults.takeCrash(0)) {
      this.crash();
      return never();
    }
    for (const message of messages) {
      const sighting = this.#sighting(message);
      sighting.runCount += 1;
      sighting.attempt = message.attempt;
      sighting.isDead = false;
    }
    const [first] = messages;
    const more = messages.length > 1 ? ` and ${messages.length - 1} more` : "";
    try {
      return await this.#during(`The handler of ${first && shown(first)}${more}`, async () => {
        const returned = await run();
        if (isArray(returned)) await Promise.allSettled(firstOf(returned));
        return returned;
      });
    } finally {
      if (!this.#isDead && faults.takeCrash(1)) this.crash();
      if (this.#isDead) await never();
    }
  }

  #seen<Args extends readonly unknown[]>(name: string, run: (...args: Args) => unknown) {
    return (...args: Args): unknown => {
      const returned = run(...args);
      const isPending = attempt(() => typeof (returned as PromiseLike<unknown>)?.then === "function");
      return isPending ? this.#during(`The option or listener ${name}`, async () => returned) : returned;
    };
  }

  async #during<Result>(what: string, run: () => Promise<Result>): Promise<Result> {
    const work = { what };
    if (!this.#isDead) {
      this.#works.add(work);
      this.#world.time.begin(work);
    }
    try {
      return await run();
    } finally {
      this.#works.delete(work);
      this.#world.time.end(work);
    }
  }

  #sighting({ list, bytes }: Pick<Message, "list" | "bytes">): Sighting {
    return this.#world.sightings(list).of(fromBytes(bytes));
  }
}

function withMarksOf<Fn extends object>(from: Fn, to: Fn): Fn {
  for (const mark of Object.getOwnPropertySymbols(from))
    Object.defineProperty(to, mark, Object.getOwnPropertyDescriptor(from, mark) as PropertyDescriptor);
  return to;
}

function shown({ bytes }: Message): string {
  return shorten(toText(fromBytes(bytes)), shownCharsMax);
}

function lost(what: string): RedisTransportError {
  return new RedisTransportError(`The ${what} was lost, as the test asked.`, { isRetryable: true });
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
