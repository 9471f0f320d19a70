// Inputs for the rows of cases.ts.
import { Generator, rand, type Tensor, tensor } from 'gradloom';
import type { Case } from './case.ts';

const STEP = 0.02; // the widest step of gradcheck's differences

/** Inputs of a case: away from kinks, and apart from one another where it asks for that. */
export function inputsOf(c: Case, n: number): Tensor[] {
  const generator = new Generator(n);
  const shapes = c.shapes?.(n) ?? [[n]];
  const [low, high] = c.domain ?? [-2, 2];
  const total = shapes.reduce((sum, s) => sum + s.reduce((a, b) => a * b, 1), 0);
  let slot = 0;
  const draw = (u: number): number => {
    let x = c.distinct ? low + (((slot++ * 37) % total) + 0.25 + u / 2) * Math.max((high - low) / total, 3 * STEP) : low + u * (high - low);
    for (const k of c.kinks ?? []) if (Math.abs(x - k) < 3 * STEP) x = k + (x < k ? -3 : 3) * STEP;
    return x;
  };
  return shapes.map((s) => tensor(Float32Array.from(rand(s, { generator }).data(), draw), { shape: s, requiresGrad: true }));
}
