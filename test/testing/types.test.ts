import { expect, it } from "vitest";
import { z } from "zod";
import { memory } from "../../adapters/local/memory.ts";
import { createTestDrain } from "../../adapters/testing/index.ts";
import type { Message } from "../../src/index.ts";

it("types a test's handler as createDrain types it, and refuses what createDrain refuses", () => {
  createTestDrain({ handler: async (message: Message<{ to: string }>) => void message.value.to.length });
  createTestDrain<{ to: string }>({ handler: ({ value }) => void value.to.length });
  createTestDrain({
    schema: z.object({ to: z.string() }),
    handler: ({ value }) => void value.to.length,
  });
  createTestDrain({ codec: { decode: () => 5 }, handler: ({ value }) => void value.toFixed() });
  createTestDrain<{ id: number }>({ batchHandler: (messages) => void messages[0]?.value.id.toFixed() });
  const refused = [
    // @ts-expect-error: neither of the handlers.
    () => createTestDrain({}),
    // @ts-expect-error: both of them.
    () => createTestDrain({ handler: () => undefined, batchHandler: () => undefined }),
    // @ts-expect-error: a name that is none.
    () => createTestDrain({ handler: () => undefined, maxAttempt: 3 }),
    // @ts-expect-error: the kit has its own.
    () => createTestDrain({ handler: () => undefined, redis: memory() }),
  ];
  for (const call of refused) expect(call).toThrow();
});
