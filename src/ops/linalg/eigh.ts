// Eigenvalues and eigenvectors of symmetric matrices, by Jacobi's rotations.
import { assertArity, checkArgument, type Kind, oneOf } from '../../tensor/check.ts';
import { eigen } from '../../tensor/eigen.ts';
import { apply, everyInput, type Op } from '../../tensor/op.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { add, div, eq, logicalAnd, mul, sub, where } from '../binary.ts';
import { matmul } from '../matmul.ts';
import { narrow, squeeze, unsqueeze } from '../movement.ts';
import { diagEmbed } from '../triangle.ts';
import { assertFinite, assertSquare, batchOf, eachItem, mT, sidesOf, which } from './matrices.ts';

/** Eigenvalues, rising, and vectors as columns of A's lower triangle. */
function pairs(op: string, a: Float64Array, n: number, matrix: string): { values: Float64Array; vectors: Float64Array } {
  assertFinite(op, a, matrix);
  const m = Float64Array.from(a, (_, i) => a[Math.max(Math.floor(i / n), i % n) * n + Math.min(Math.floor(i / n), i % n)] as number);
  const found = eigen(m, n);
  const order = [...found.values.keys()].sort((i, j) => (found.values[i] as number) - (found.values[j] as number) || i - j);
  const vectors = new Float64Array(n * n);
  order.forEach((from, to) => {
    for (let k = 0; k < n; k++) vectors[k * n + to] = found.vectors[from * n + k] as number;
  });
  return { values: Float64Array.from(order, (i) => found.values[i] as number), vectors };
}

/** @internal x/apart where that is defined, 0 where both are 0: equal values whose vectors nothing depends on. */
export function quotient(x: Tensor, apart: Tensor): Tensor {
  return div(x, where(logicalAnd(eq(apart, 0), eq(x, 0)), 1, apart));
}

/** @internal vⱼ − vᵢ, [..., n, n]. */
export const differences = (v: Tensor): Tensor => sub(unsqueeze(v, -2), unsqueeze(v, -1));

/** The values in the first row, the vectors below, [..., n + 1, n]. */
const eighOp: Op<void> = {
  name: 'eigh',
  shape: ([a]) => {
    const [n] = sidesOf(a as Tensor);
    return [...batchOf(a as Tensor), n + 1, n];
  },
  forward: (y, [a]) => {
    const [n] = sidesOf(a as Tensor);
    eachItem(y, [a as Tensor], [n * n, n * n + n], ([m], out, at) => {
      const { values, vectors } = pairs('eigh', m as Float64Array, n, which(y, 2, at));
      out.set(values);
      out.set(vectors, n);
    });
  },
  savesOutput: true,
  backward: (dy, node) => {
    const { values, vectors } = parts(node.output);
    const d = parts(dy);
    const turned = matmul(mT(vectors), d.vectors);
    const skew = mul(sub(turned, mT(turned)), 0.5);
    const inner = add(quotient(skew, differences(values)), diagEmbed(d.values));
    return [matmul(matmul(vectors, inner), mT(vectors))];
  },
  batched: 'same',
};

function parts(packed: Tensor): { values: Tensor; vectors: Tensor } {
  return { values: squeeze(narrow(packed, -2, 0, 1), -2), vectors: narrow(packed, -2, 1, packed.sizes.at(-1) as number) };
}

const TRIANGLE: Kind = /* @__PURE__ */ oneOf('L', 'U');

function symmetric(op: string, a: Tensor, uplo: 'L' | 'U', count: number): Tensor {
  assertArity(op, count, 2);
  checkArgument(op, 'uplo', uplo, TRIANGLE);
  assertSquare(op, a);
  return uplo === 'U' ? mT(a) : a;
}

/**
 * Eigenvalues, rising, and orthonormal eigenvectors, as columns, of each symmetric matrix [..., n, n], of which one triangle is read ('L' by
 * default). Vectors are defined up to their sign; their gradient is infinite where values are equal.
 * @throws NONFINITE for NaN and infinities
 */
export function eigh(a: Tensor, uplo: 'L' | 'U' = 'L'): { eigenvalues: Tensor; eigenvectors: Tensor } {
  const { values, vectors } = parts(apply(eighOp, [symmetric('eigh', a, uplo, arguments.length)], undefined));
  return { eigenvalues: values, eigenvectors: vectors };
}

const valuesOp: Op<void> = {
  name: 'eigvalsh',
  shape: ([a]) => (a as Tensor).sizes.slice(0, -1),
  forward: (y, [a]) => {
    const [n] = sidesOf(a as Tensor);
    eachItem(y, [a as Tensor], [n * n, n], ([m], out, at) => out.set(pairs('eigvalsh', m as Float64Array, n, which(y, 1, at)).values));
  },
  saves: everyInput,
  backward: (dy, node) => {
    const { vectors } = parts(apply(eighOp, [node.input(0)], undefined));
    return [matmul(mul(vectors, unsqueeze(dy, -2)), mT(vectors))];
  },
  batched: 'same',
};

/** The eigenvalues alone, as `eigh`, with gradients where values are equal too. */
export function eigvalsh(a: Tensor, uplo: 'L' | 'U' = 'L'): Tensor {
  return apply(valuesOp, [symmetric('eigvalsh', a, uplo, arguments.length)], undefined);
}
