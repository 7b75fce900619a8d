/** Resolves once it is so. A wait in vain is ended by the time limit of its test, and by nothing shorter. */
export async function until(isSo: () => boolean | Promise<boolean>, everyMs = 10): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, everyMs));
}
