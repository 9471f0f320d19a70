// The worker of native-worker.mjs. Import maps do not reach workers: files by their places, the others beside them.
import * as gradloom from './node_modules/gradloom/dist/default.js';
import { serve } from './node_modules/gradloom/dist/worker.js';
import { smoke } from './smoke.mjs';

serve(function* () {
  yield 'started';
  return smoke(gradloom);
});
