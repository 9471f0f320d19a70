// Node, Deno, Bun. Argument: options of init as JSON.
const start = performance.now();
const gradloom = await import('gradloom');
const importMs = performance.now() - start;
const { smoke } = await import('./smoke.mjs');
const options = globalThis.process?.argv?.[2];
if (options) await gradloom.init(JSON.parse(options));
console.log(JSON.stringify({ importMs, ...smoke(gradloom) }));
gradloom.close();
