import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { mutations } from "../prove/mutation-list.ts";
import { placeOf } from "../prove/mutations.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

it.each(mutations)("the sources can be broken as the mutation says: $name", async ({ edit }) => {
  await expect(placeOf(root, edit)).resolves.toMatchObject({ path: expect.any(String) });
  expect(edit.put).not.toBe(edit.find);
});
