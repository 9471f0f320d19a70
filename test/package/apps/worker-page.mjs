// The page's side of a run in a worker.
import { run } from 'gradloom/worker';

export const train = (worker) => run(worker);
