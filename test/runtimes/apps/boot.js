// Runs a bundle in a page or a module worker and reports to the suite's server. Everything is said in the query:
// script: the bundle; init: options as JSON; worker: run it in a module worker; report: where to.
const said = new URLSearchParams(location.search);
const report = (body) => fetch(said.get('report'), { method: 'POST', body: JSON.stringify(body) });

async function run() {
  const start = performance.now();
  await import(said.get('script'));
  const importMs = performance.now() - start;
  return { importMs, ...(await globalThis.gradloomSmoke(said.has('init') ? JSON.parse(said.get('init')) : undefined)) };
}

if (said.has('worker') && typeof document === 'object') {
  const worker = new Worker(`./boot.js${location.search}`, { type: 'module' });
  worker.onerror = (event) => report({ error: `the worker failed: ${event.message}` });
} else {
  run().then(report, (error) => report({ error: String(error?.message ?? error), cause: String(error?.cause ?? '') }));
}
