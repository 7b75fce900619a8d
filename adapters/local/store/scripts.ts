import { type ByteString, type RedisReply, RedisReplyError } from "../../../src/index.ts";
import { sha1Hex } from "../../../src/internals.ts";
import { interpreter } from "../lua/interpreter.ts";
import type { ScriptCall } from "../lua/script-call.ts";
import { argument, integer, unknownWord } from "./command.ts";

/** How many scripts that were only evaluated are kept, as in Redis from 7.4 on. Scripts that were loaded stay. */
const evaluatedMax = 500;
/** How many digests all stores of a process remember: computing one takes longer than many a script. */
const digestsMax = 200;
const digests = new Map<ByteString, string>();

/** The scripts that one store knows, by the SHA-1 of their source. */
export class Scripts {
  readonly #call: ScriptCall;
  readonly #loaded = new Map<string, ByteString>();
  /** The first is the one that was evaluated longest ago. */
  readonly #evaluated = new Map<string, ByteString>();

  constructor(call: ScriptCall) {
    this.#call = call;
  }

  /** `EVAL`: source, count of keys, keys, arguments. */
  evaluate(args: readonly ByteString[]): RedisReply {
    const source = argument(args, 0);
    const sha = digestOf(source);
    const keyCount = readKeyCount(args);
    interpreter().compile(sha, source);
    this.#evaluated.delete(sha);
    this.#evaluated.set(sha, source);
    if (this.#evaluated.size > evaluatedMax) {
      for (const [oldest] of this.#evaluated) {
        this.#evaluated.delete(oldest);
        break;
      }
    }
    return this.#run(sha, source, keyCount, args);
  }

  /** `EVALSHA`: the same, by digest. */
  evaluateByDigest(args: readonly ByteString[]): RedisReply {
    const sha = argument(args, 0).toLowerCase();
    const keyCount = readKeyCount(args);
    const source = this.#loaded.get(sha) ?? this.#evaluated.get(sha);
    if (source === undefined) throw new RedisReplyError("NOSCRIPT No matching script. Please use EVAL.");
    return this.#run(sha, source, keyCount, args);
  }

  /** `SCRIPT LOAD`, `EXISTS` and `FLUSH`. */
  manage(args: readonly ByteString[]): RedisReply {
    const word = argument(args, 0);
    switch (word.toUpperCase()) {
      case "LOAD": {
        const source = argument(args, 1);
        const sha = sha1Hex(source);
        interpreter().compile(sha, source);
        this.#loaded.set(sha, source);
        return sha;
      }
      case "EXISTS":
        return args.slice(1).map((given) => {
          const sha = given.toLowerCase();
          return this.#loaded.has(sha) || this.#evaluated.has(sha) ? 1 : 0;
        });
      case "FLUSH":
        this.#loaded.clear();
        this.#evaluated.clear();
        return "OK";
      default:
        throw unknownWord("SCRIPT", word);
    }
  }

  #run(sha: string, source: ByteString, keyCount: number, args: readonly ByteString[]): RedisReply {
    const lua = interpreter();
    lua.compile(sha, source);
    return lua.run(sha, args.slice(2, 2 + keyCount), args.slice(2 + keyCount), this.#call);
  }
}

function digestOf(source: ByteString): string {
  const known = digests.get(source);
  if (known !== undefined) return known;
  if (digests.size >= digestsMax) digests.clear();
  const sha = sha1Hex(source);
  digests.set(source, sha);
  return sha;
}

function readKeyCount(args: readonly ByteString[]): number {
  const keyCount = integer(argument(args, 1));
  if (keyCount < 0) throw new RedisReplyError("ERR Number of keys can't be negative");
  if (keyCount > args.length - 2) {
    throw new RedisReplyError("ERR Number of keys can't be greater than number of args");
  }
  return keyCount;
}
