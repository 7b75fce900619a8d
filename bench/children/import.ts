/** How long a cold import takes, ms. Usage: import.ts <specifier> … */
const startedAt = performance.now();
await Promise.all(process.argv.slice(2).map((specifier) => import(specifier)));
process.send?.({ ms: performance.now() - startedAt });
