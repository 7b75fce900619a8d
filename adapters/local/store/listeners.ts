import type { ByteString, RedisCommand, RedisReply } from "../../../src/index.ts";
import { matchesGlob } from "./glob.ts";

type Tell = (reply: RedisReply) => void;

/** The listeners of one store: subscribers to channels and patterns, and monitors of every command. */
export class Listeners {
  readonly #channels = new Map<Tell, ReadonlySet<ByteString>>();
  readonly #patterns = new Map<Tell, ReadonlySet<ByteString>>();
  readonly #monitors = new Set<Tell>();

  /** `SUBSCRIBE` or `PSUBSCRIBE`, each name answered; returns how to end it. */
  subscribe(kind: "subscribe" | "psubscribe", names: readonly ByteString[], tell: Tell): () => void {
    const table = kind === "subscribe" ? this.#channels : this.#patterns;
    const wanted = new Set<ByteString>();
    table.set(tell, wanted);
    for (const name of names) {
      wanted.add(name);
      tell([kind, name, wanted.size]);
    }
    return () => void table.delete(tell);
  }

  /** `MONITOR`; returns how to end it. */
  monitor(tell: Tell): () => void {
    this.#monitors.add(tell);
    tell("OK");
    return () => void this.#monitors.delete(tell);
  }

  /** `PUBLISH`: how many it reached. */
  publish(channel: ByteString, message: ByteString): number {
    let count = 0;
    for (const [tell, names] of this.#channels) {
      if (!names.has(channel)) continue;
      tell(["message", channel, message]);
      count += 1;
    }
    for (const [tell, patterns] of this.#patterns) {
      for (const pattern of patterns) {
        if (!matchesGlob(pattern, channel)) continue;
        tell(["pmessage", pattern, channel, message]);
        count += 1;
      }
    }
    return count;
  }

  /** Tells the monitors of a command, as Redis' `MONITOR` prints it. */
  note(command: RedisCommand, micros: () => number): void {
    if (this.#monitors.size === 0) return;
    const at = micros();
    const time = `${Math.floor(at / 1_000_000)}.${String(at % 1_000_000).padStart(6, "0")}`;
    const line = `${time} [0 127.0.0.1:0] ${command.map((part) => quote(String(part))).join(" ")}`;
    for (const tell of this.#monitors) tell(line);
  }
}

const escapes: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  '"': '\\"',
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\x07": "\\a",
  "\b": "\\b",
};

function quote(text: ByteString): string {
  const escaped = text.replace(
    /[^ !#-[\]-~]/g,
    (byte) => escapes[byte] ?? `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `"${escaped}"`;
}
