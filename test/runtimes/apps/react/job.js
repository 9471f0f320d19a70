// The component's worker: the smoke run as a job.
import * as gradloom from 'gradloom';
import { serve } from 'gradloom/worker';
import { smoke } from '../smoke.mjs';

serve(function* () {
  yield 'started';
  return smoke(gradloom);
});
