import { isAbsolute } from "node:path";

export interface FunctionOptions {
  readonly name: string;
  /** Absolute path of the bundle, an ES module. */
  readonly file: string;
  /** The name of the export that is the handler. Default: handler. */
  readonly handler?: string;
  readonly timeoutMs: number;
  readonly environment?: Readonly<Record<string, string>>;
  /** Invocations at the same time, at most; 0 stops the function. Default: no limit. */
  readonly reservedConcurrency?: number;
  /** Whether the 17th invocation of a chain is stopped. Default: Terminate. */
  readonly recursiveLoop?: RecursiveLoop;
  /** How often an event whose invocation failed is tried again. Default: 2. */
  readonly maximumRetryAttempts?: 0 | 1 | 2;
  /** How long an event may wait, ms. Default: 6 hours. */
  readonly maximumEventAgeMs?: number;
  /** Qualifiers that can be invoked beside $LATEST. */
  readonly aliases?: readonly string[];
}

type RecursiveLoop = "Terminate" | "Allow";

/** A function, and how many of its invocations run. */
export interface LambdaFunction extends Required<Omit<FunctionOptions, "reservedConcurrency">> {
  readonly reservedConcurrency: number;
  recursiveLoop: RecursiveLoop;
  runningCount: number;
}

/** What an invoke names: a function, and which version of it. */
export interface Target {
  readonly lambda: LambdaFunction;
  readonly qualifier: string;
  readonly version: string;
  /** With the qualifier, where the caller named one. */
  readonly arn: string;
}

const account = "123456789012";
const eventAgeMsDefault = 6 * 60 * 60 * 1000;
const namePattern =
  /^(?:(?:arn:aws:lambda:(?<region>[\w-]+):)?(?<account>\d{12}):function:)?(?<name>[\w-]+)(?::(?<qualifier>[\w$-]+))?$/;

/** The functions there are, by name. */
export class Functions {
  readonly #byName = new Map<string, LambdaFunction>();
  readonly #region: string;

  constructor(region: string) {
    this.#region = region;
  }

  create(options: FunctionOptions): void {
    if (this.#byName.has(options.name)) throw new Error(`There is a function ${options.name} already.`);
    if (!isAbsolute(options.file))
      throw new Error(`The file of a function is an absolute path: ${options.file}`);
    this.#byName.set(options.name, {
      handler: "handler",
      environment: {},
      reservedConcurrency: Number.POSITIVE_INFINITY,
      recursiveLoop: "Terminate",
      maximumRetryAttempts: 2,
      maximumEventAgeMs: eventAgeMsDefault,
      aliases: [],
      ...options,
      runningCount: 0,
    });
  }

  /** By name, name:qualifier or ARN, and the qualifier of the query. Null: there is none. */
  find(given: string, queried?: string | null): Target | null {
    const parts = namePattern.exec(given)?.groups;
    const lambda = this.#byName.get(parts?.name ?? "");
    const named = parts?.qualifier ?? queried ?? undefined;
    if (!parts || !lambda || (queried && named !== queried)) return null;
    if ((parts.region ?? this.#region) !== this.#region || (parts.account ?? account) !== account)
      return null;
    const qualifier = named ?? "$LATEST";
    if (qualifier !== "$LATEST" && !lambda.aliases.includes(qualifier)) return null;
    const arn = `arn:aws:lambda:${this.#region}:${account}:function:${lambda.name}`;
    return {
      lambda,
      qualifier,
      version: qualifier === "$LATEST" ? qualifier : "1",
      arn: named === undefined ? arn : `${arn}:${named}`,
    };
  }
}
