// Singular values and vectors.
import { assertArity, FLAG, type Kinds, ofOne, optionsOf } from '../../tensor/check.ts';
import { apply, detach, everyInput, type Op } from '../../tensor/op.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { add, mul, sub } from '../binary.ts';
import { matmul } from '../matmul.ts';
import { cat, narrow, unflatten, unsqueeze } from '../movement.ts';
import { diagEmbed } from '../triangle.ts';
import { differences, quotient } from './eigh.ts';
import { assertFinite, assertMatrices, batchOf, eachItem, mT, sidesOf, which } from './matrices.ts';
import { complete, decompose } from './svd-core.ts';

/** u [m · k], s [k], vᵀ [k · n] one behind another, k = min(m, n). */
const svdOp: Op<void> = {
  name: 'svd',
  shape: ([a]) => {
    const [m, n] = sidesOf(a as Tensor);
    return [...batchOf(a as Tensor), Math.min(m, n) * (m + 1 + n)];
  },
  forward: (y, [a]) => {
    const [m, n] = sidesOf(a as Tensor);
    const k = Math.min(m, n);
    eachItem(y, [a as Tensor], [m * n, k * (m + 1 + n)], ([item], out, at) => {
      assertFinite('svd', item as Float64Array, which(y, 1, at));
      const { u, s, v } = decompose(item as Float64Array, m, n);
      for (let i = 0; i < m; i++) for (let j = 0; j < k; j++) out[i * k + j] = u[j * m + i] as number;
      out.set(s, m * k);
      out.set(v, m * k + k);
    });
  },
  savesOutput: true,
  backward: (dy, node) => {
    const [m, n] = (node.shapes[0] as readonly number[]).slice(-2) as [number, number];
    const { u, s, vh } = parts(node.output, m, n);
    const d = parts(dy, m, n);
    const [v, dv] = [mT(vh), mT(d.vh)];
    const squares = differences(mul(s, s));
    const skew = (x: Tensor): Tensor => sub(x, mT(x));
    const [row, column] = [unsqueeze(s, -2), unsqueeze(s, -1)];
    const [uu, vv] = [matmul(mT(u), d.u), matmul(vh, dv)];
    const inner = add(add(mul(quotient(skew(uu), squares), row), mul(quotient(skew(vv), squares), column)), diagEmbed(d.s));
    let da = matmul(matmul(u, inner), vh);
    // What leaves the span of the k vectors.
    if (m > n) da = add(da, matmul(quotient(sub(d.u, matmul(u, uu)), row), vh));
    if (n > m) da = add(da, matmul(u, mT(quotient(sub(dv, matmul(v, vv)), row))));
    return [da];
  },
  batched: 'same',
};

function parts(packed: Tensor, m: number, n: number): { u: Tensor; s: Tensor; vh: Tensor } {
  const k = Math.min(m, n);
  return {
    u: unflatten(narrow(packed, -1, 0, m * k), -1, [m, k]),
    s: narrow(packed, -1, m * k, k),
    vh: unflatten(narrow(packed, -1, m * k + k, k * n), -1, [k, n]),
  };
}

/** Further orthonormal columns for those of x [..., m, k], [..., m, m − k]. */
const completeOp: Op<void> = {
  name: 'svd',
  shape: ([x]) => {
    const [m, k] = sidesOf(x as Tensor);
    return [...batchOf(x as Tensor), m, m - k];
  },
  forward: (y, [x]) => {
    const [m, k] = sidesOf(x as Tensor);
    eachItem(y, [x as Tensor], [m * k, m * (m - k)], ([item], out) => {
      const rows = new Float64Array(m * m);
      for (let i = 0; i < m; i++) for (let j = 0; j < k; j++) rows[j * m + i] = (item as Float64Array)[i * k + j] as number;
      complete(rows, k, m, m);
      for (let i = 0; i < m; i++) for (let j = k; j < m; j++) out[i * (m - k) + j - k] = rows[j * m + i] as number;
    });
  },
};

const square = (x: Tensor): Tensor => {
  const [m, k] = sidesOf(x);
  return m === k ? x : cat([x, apply(completeOp, [detach(x)], undefined)], -1);
};

/** Options of `svd`. */
export interface SVDOptions {
  /** Whether u and vᵀ are square, as by default, or have min(m, n) vectors each. */
  fullMatrices?: boolean;
}

const SVD: Kinds<SVDOptions> = { fullMatrices: FLAG };

/**
 * a = u·diag(s)·vᵀ of each matrix [..., m, n]: s [..., k] falling and ≥ 0, u and v orthogonal, defined up to the signs of their columns. The
 * gradient of the vectors is infinite where singular values are equal; none passes to columns beyond k.
 * @throws NONFINITE for NaN and infinities
 */
export function svd(a: Tensor, options?: SVDOptions): { u: Tensor; s: Tensor; vh: Tensor } {
  assertArity('svd', arguments.length, 2);
  const { fullMatrices = true } = optionsOf('svd', options, SVD);
  assertMatrices('svd', a);
  const { u, s, vh } = parts(apply(svdOp, [a], undefined), ...sidesOf(a));
  return fullMatrices ? { u: square(u), s, vh: mT(square(mT(vh))) } : { u, s, vh };
}

const valuesOp: Op<void> = {
  name: 'svdvals',
  shape: ([a]) => [...batchOf(a as Tensor), Math.min(...sidesOf(a as Tensor))],
  forward: (y, [a]) => {
    const [m, n] = sidesOf(a as Tensor);
    eachItem(y, [a as Tensor], [m * n, Math.min(m, n)], ([item], out, at) => {
      assertFinite('svdvals', item as Float64Array, which(y, 1, at));
      out.set(decompose(item as Float64Array, m, n).s);
    });
  },
  saves: everyInput,
  backward: (dy, node) => {
    const a = node.input(0);
    const { u, vh } = parts(apply(svdOp, [a], undefined), ...sidesOf(a));
    return [matmul(mul(u, unsqueeze(dy, -2)), vh)];
  },
  batched: 'same',
};

/** The singular values alone, falling, with gradients where values are equal too. */
export const svdvals: (a: Tensor) => Tensor = /* @__PURE__ */ ofOne('svdvals', (a) => {
  assertMatrices('svdvals', a);
  return apply(valuesOp, [a], undefined);
});
