// Parameters that gather gradients and are in no optimizer: most likely in a place where no module finds them, such as a #private field.
import { warnOnce } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Steps of optimizers over which a gradient gathers, uncleared, before a word is said. */
const STEPS = 10;

interface Candidate {
  readonly parameter: WeakRef<Tensor>;
  gradient: WeakRef<Tensor> | null;
  version: number;
  steps: number;
}

const optimized = new WeakSet<Tensor>();
const candidates = new Set<Candidate>();
/** How many there may be before those whose parameters are gone are let go of. */
let room = 1000;

/** @internal Takes note of a new parameter. */
export function parameterMade(p: Tensor): void {
  if (typeof WeakRef === 'undefined') return;
  if (candidates.size >= room) {
    for (const candidate of candidates) if (!candidate.parameter.deref()) candidates.delete(candidate);
    room = Math.max(1000, 2 * candidates.size);
  }
  candidates.add({ parameter: new WeakRef(p), gradient: null, version: 0, steps: 0 });
}

/** @internal Whether an optimizer has the parameter. */
export const isOptimized = (p: Tensor): boolean => optimized.has(p);

/** @internal An optimizer has got these. */
export function parametersOptimized(params: Iterable<Tensor>): void {
  for (const p of params) optimized.add(p);
}

/** @internal An optimizer makes a step: warns once of parameters that have gathered gradients over 10 steps and are in no optimizer. */
export function optimizerSteps(): void {
  for (const candidate of candidates) {
    const p = candidate.parameter.deref();
    if (!p || optimized.has(p)) {
      candidates.delete(candidate);
      continue;
    }
    // `gathered`: a look must not end a pass that waits.
    const g = p.gathered;
    if (!g || !p.meta?.wantsGrad) candidate.steps = 0;
    else if (candidate.gradient?.deref() !== g) {
      candidate.gradient = new WeakRef(g);
      candidate.steps = 1;
    } else if (g.storage.version !== candidate.version) candidate.steps++;
    candidate.version = g?.storage.version ?? 0;
    if (candidate.steps < STEPS) continue;
    candidates.clear();
    warnOnce(
      'unoptimized parameter',
      `the parameter ${p.describe()} has gathered gradients over ${STEPS} optimizer steps and is in no optimizer. #private fields and closures hide it: pass it to one, or freeze it.`,
    );
  }
}
