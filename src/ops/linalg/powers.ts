// Functions of square matrices.
import { assertArity, assertWhole, ofOne } from '../../tensor/check.ts';
import { apply, everyInput, type Op } from '../../tensor/op.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { zerosLike } from '../create.ts';
import { cat, narrow } from '../movement.ts';
import { wholeMatrixPower } from '../products.ts';
import { inv } from './lu.ts';
import { assertSquare, eachItem, mT, sidesOf, times } from './matrices.ts';

/** e^A: Taylor's series of A/2ˢ, squared s times. */
function exponentialOf(a: Float64Array, n: number): Float64Array {
  let norm = 0;
  for (let i = 0; i < n; i++) {
    let row = 0;
    for (let j = 0; j < n; j++) row += Math.abs(a[i * n + j] as number);
    if (!(row <= norm)) norm = row;
  }
  if (!Number.isFinite(norm)) return new Float64Array(n * n).fill(Number.NaN);
  let squarings = 0;
  for (let rest = norm; rest > 0.5; rest /= 2) squarings++;
  const scaled = a.map((v) => v / 2 ** squarings);
  let sum: Float64Array = Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
  let term: Float64Array = sum;
  for (let k = 1; k <= 16; k++) {
    term = times(term, scaled, n, n, n).map((v) => v / k);
    sum = sum.map((v, i) => v + (term[i] as number));
  }
  for (; squarings > 0; squarings--) sum = times(sum, sum, n, n, n);
  return sum;
}

const matrixExpOp: Op<void> = {
  name: 'matrixExp',
  forward: (y, [a]) => {
    const [n] = sidesOf(y);
    eachItem(y, [a as Tensor], [n * n, n * n], ([m], out) => out.set(exponentialOf(m as Float64Array, n)));
  },
  saves: everyInput,
  // The derivative is a block of a larger exponential (Mathias 1996).
  backward: (dy, node) => {
    const t = mT(node.input(0));
    const n = t.sizes.at(-1) as number;
    const whole = apply(matrixExpOp, [cat([cat([t, dy], -1), cat([zerosLike(dy), t], -1)], -2)], undefined);
    return [narrow(narrow(whole, -2, 0, n), -1, n, n)];
  },
};

/** e^a of each square matrix [..., n, n], the matrix exponential. */
export const matrixExp: (a: Tensor) => Tensor = /* @__PURE__ */ ofOne('matrixExp', (a) => {
  assertSquare('matrixExp', a);
  return apply(matrixExpOp, [a], undefined);
});

/**
 * aⁿ of each square matrix [..., n, n]; powers below 0 are those of the inverse.
 * @throws VALUE where n < 0 and a matrix is singular
 */
export function matrixPower(a: Tensor, n: number): Tensor {
  assertArity('matrixPower', arguments.length, 2);
  assertWhole('matrixPower', 'n', n);
  assertSquare('matrixPower', a);
  return wholeMatrixPower('matrixPower', n < 0 ? inv(a) : a, Math.abs(n));
}
