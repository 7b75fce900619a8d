import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { useCommandLine } from "../support/command-line.ts";

const { root, temporary, start } = useCommandLine();

describe("npm start", () => {
  it("is the drain command, and drains the sample from the sources", async () => {
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    expect(scripts.start).toBe("node cli/main.ts drain");
    const program = start(["drain"], {}, "cli/main.ts");
    expect((await program.ended).code).toBe(0);
    expect(program.output).toMatch(/acked +615\b/);
    expect(readdirSync(temporary())).toEqual([]);
  });
});
