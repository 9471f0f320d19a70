import { checkArgument, type Kinds, optionsOf } from '../../../tensor/check.ts';
import type { Stats } from '../method.ts';
import { count, POSITIVE } from '../../checks.ts';
import { OBJECT } from '../../state.ts';
import { minNorm } from '../../solve/min-norm.ts';
import { inner, times } from '../../solve/matrix.ts';
import { WeightingBase } from '../base.ts';

/** Options of MGDA. */
export interface MGDAOptions {
  /**
   * Approximates by Frank and Wolfe's method instead of solving: until a step is below `epsilon`, at most `maxIters`
   * steps. TorchJD: 1e-3, 100.
   */
  frankWolfe?: { epsilon: number; maxIters: number };
}

const OPTIONS: Kinds<MGDAOptions> = { frankWolfe: OBJECT };
const FRANK_WOLFE: Kinds<NonNullable<MGDAOptions['frankWolfe']>> = { epsilon: POSITIVE, maxIters: count(1) };

/**
 * The shortest vector in the gradients' convex hull, which lowers every loss by the same amount, or is 0 (Désidéri 2012; Sener &
 * Koltun 2018, arXiv 1810.04650). Solved exactly. At the gradient of a shared feature it is MGDA-UB. Short gradients
 * get large weights: see `normalize`.
 */
export class MGDA extends WeightingBase {
  readonly name = 'MGDA';
  private readonly frankWolfe: MGDAOptions['frankWolfe'];

  constructor(options?: MGDAOptions) {
    super();
    const { frankWolfe } = optionsOf('MGDA', options, OPTIONS, arguments.length);
    if (frankWolfe) {
      optionsOf('MGDA', frankWolfe, FRANK_WOLFE);
      for (const key of ['epsilon', 'maxIters'] as const) checkArgument('MGDA', `frankWolfe.${key}`, frankWolfe[key], FRANK_WOLFE[key]);
    }
    this.frankWolfe = frankWolfe && { ...frankWolfe };
  }

  weights({ gramian, names }: Stats): Float64Array {
    return this.frankWolfe ? approximate(gramian, names.length, this.frankWolfe) : minNorm(gramian, names.length);
  }
}

/** From equal weights towards the row that falls steepest, as far as pays (Sener & Koltun 2018, algorithm 2). */
function approximate(g: Float64Array, m: number, { epsilon, maxIters }: { epsilon: number; maxIters: number }): Float64Array {
  let w = new Float64Array(m).fill(1 / m);
  for (let turn = 0; turn < maxIters; turn++) {
    const gw = times(g, w, m);
    let row = 0;
    for (let i = 1; i < m; i++) if ((gw[i] as number) < (gw[row] as number)) row = i;
    const squared = inner(w, gw);
    const [across, own] = [gw[row] as number, g[row * m + row] as number];
    const step = own <= across ? 1 : squared <= across ? 0 : (squared - across) / (squared + own - 2 * across);
    w = w.map((v, i) => (1 - step) * v + (i === row ? step : 0));
    if (step < epsilon) break;
  }
  return w;
}
