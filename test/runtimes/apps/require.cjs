// Node by require. Argument: options of init as JSON.
const start = performance.now();
const gradloom = require('gradloom');
const importMs = performance.now() - start;
const { smoke } = require('./smoke.cjs');
(async () => {
  if (process.argv[2]) await gradloom.init(JSON.parse(process.argv[2]));
  console.log(JSON.stringify({ importMs, ...smoke(gradloom) }));
  gradloom.close();
})();
