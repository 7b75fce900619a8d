import { type ByteString, type RedisReply, RedisReplyError } from "../../../src/index.ts";
import { sha1Hex } from "../../../src/internals.ts";
import { interpreter, type ScriptCall } from "../lua/interpreter.ts";
import { argument, integer, syntaxError } from "./command.ts";

/** The scripts that one store knows, by the SHA-1 of their source. */
export class Scripts {
  readonly #call: ScriptCall;
  readonly #sources = new Map<string, ByteString>();

  constructor(call: ScriptCall) {
    this.#call = call;
  }

  /** `EVAL`: source, count of keys, keys, arguments. */
  evaluate(args: readonly ByteString[]): RedisReply {
    const source = argument(args, 0);
    return this.#run(sha1Hex(source), source, args);
  }

  /** `EVALSHA`: the same, by digest. */
  evaluateByDigest(args: readonly ByteString[]): RedisReply {
    const sha = argument(args, 0).toLowerCase();
    return this.#run(sha, this.#sources.get(sha), args);
  }

  /** `SCRIPT LOAD`, `EXISTS` and `FLUSH`. */
  manage(args: readonly ByteString[]): RedisReply {
    switch (argument(args, 0).toUpperCase()) {
      case "LOAD": {
        const source = argument(args, 1);
        const sha = sha1Hex(source);
        this.#load(sha, source);
        return sha;
      }
      case "EXISTS":
        return args.slice(1).map((sha) => (this.#sources.has(sha.toLowerCase()) ? 1 : 0));
      case "FLUSH":
        this.#sources.clear();
        return "OK";
      default:
        throw syntaxError();
    }
  }

  #run(sha: string, source: ByteString | undefined, args: readonly ByteString[]): RedisReply {
    const keyCount = integer(argument(args, 1));
    if (keyCount < 0) throw new RedisReplyError("ERR Number of keys can't be negative");
    if (keyCount > args.length - 2) {
      throw new RedisReplyError("ERR Number of keys can't be greater than number of args");
    }
    if (source === undefined) throw new RedisReplyError("NOSCRIPT No matching script. Please use EVAL.");
    this.#load(sha, source);
    return interpreter().run(sha, args.slice(2, 2 + keyCount), args.slice(2 + keyCount), this.#call);
  }

  #load(sha: string, source: ByteString): void {
    interpreter().compile(sha, source);
    this.#sources.set(sha, source);
  }
}
