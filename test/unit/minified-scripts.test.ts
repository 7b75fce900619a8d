import { describe, expect, it } from "vitest";
import { minifiedModule } from "../../.ci/minify-lua.ts";
import { memory } from "../../adapters/local/memory.ts";
import * as adopt from "../../src/broker/scripts/adopt.ts";
import * as forget from "../../src/broker/scripts/forget.ts";
import * as peek from "../../src/broker/scripts/peek.ts";
import * as takeDead from "../../src/broker/scripts/take-dead.ts";
import * as takePart from "../../src/broker/scripts/take-part.ts";
import * as turn from "../../src/broker/scripts/turn/index.ts";
import * as turnFull from "../../src/broker/scripts/turn-full/index.ts";
import * as turnOrder from "../../src/broker/scripts/turn-order/index.ts";

describe("a minified script", () => {
  const singles = { ...adopt, ...takeDead, ...forget, ...peek, ...takePart };

  it.each(Object.entries({ ...turn, ...turnFull, ...turnOrder, ...singles }))(
    "has the very instructions and constants of its source: %s",
    async (name, source) => {
      const shipped = await minified(name, source);
      expect(shipped.length).toBeLessThan(source.length * 0.75);
      expect(await compiled(shipped)).toEqual(await compiled(source));
    },
  );

  it.each([
    ["another constant", "return 1", "return 2"],
    ["another order", "local a, b = 1, 2 return a - b", "local a, b = 1, 2 return b - a"],
    ["another function within", "return function() return 1 end", "return function() return 2 end"],
  ])("would be told from its source by %s", async (_what, one, other) => {
    expect(await compiled(one)).not.toEqual(await compiled(other));
  });
});

async function minified(name: string, source: string): Promise<string> {
  const url = `data:text/javascript,${encodeURIComponent(minifiedModule({ [name]: source }))}`;
  return (await import(/* @vite-ignore */ url))[name];
}

/** What Lua makes of a script, without what only messages of errors show: lines, and names of locals and upvalues. */
async function compiled(script: string): Promise<unknown> {
  const body = script.replace(/^#![^\n]*\n/, "");
  const dump = `return (string.dump(loadstring(ARGV[1])):gsub('.', function(c) return string.format('%02x', c:byte()) end))`;
  const hex = await memory().command(["EVAL", dump, "0", body]);
  return { flags: script.slice(0, -body.length), code: new Chunk(Buffer.from(String(hex), "hex")).read() };
}

/** Reads what `string.dump` of Lua 5.1 writes (ldump.c): sizes of 4 bytes, numbers of 8, the lowest byte first. */
class Chunk {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#at = 12;
  }

  read(): unknown {
    this.#text();
    this.#skip(8);
    const head = this.#take(4).toString("hex");
    const instructions = this.#take(4 * this.#integer()).toString("hex");
    const constants = this.#list(() => this.#constant());
    const functions = this.#list(() => this.read());
    this.#skip(4 * this.#integer());
    this.#list(() => [this.#text(), this.#skip(8)]);
    this.#list(() => this.#text());
    return { head, instructions, constants, functions };
  }

  #constant(): unknown {
    const type = this.#take(1)[0];
    if (type === 1) return this.#take(1)[0] === 1;
    if (type === 3) return this.#take(8).readDoubleLE();
    return type === 4 ? this.#text() : null;
  }

  #list<T>(read: () => T): T[] {
    return Array.from({ length: this.#integer() }, read);
  }

  #text(): string {
    return this.#take(this.#integer()).toString("latin1");
  }

  #integer(): number {
    return this.#take(4).readInt32LE();
  }

  #take(count: number): Buffer {
    const taken = this.#bytes.subarray(this.#at, this.#at + count);
    if (taken.length < count) throw new Error(`The chunk ends at ${this.#at}.`);
    this.#at += count;
    return taken;
  }

  #skip(count: number): void {
    this.#take(count);
  }
}
