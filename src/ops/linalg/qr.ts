// Orthogonal and triangular factors.
import { assertArity, type Kinds, oneOf, optionsOf } from '../../tensor/check.ts';
import { GradloomError } from '../../tensor/errors.ts';
import { apply, type Op } from '../../tensor/op.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { add, sub } from '../binary.ts';
import { zeros } from '../create.ts';
import { matmul } from '../matmul.ts';
import { cat, narrow, unflatten } from '../movement.ts';
import { tril } from '../triangle.ts';
import { triangular } from './cholesky.ts';
import { assertMatrices, batchOf, eachItem, mT, sidesOf } from './matrices.ts';

/** q [m · k] and r [k · n] side by side, k columns of q: Householder's reflections, with LAPACK's signs. */
const qrOp: Op<{ columns: number }> = {
  name: 'qr',
  shape: ([a], { columns: k }) => {
    const [m, n] = sidesOf(a as Tensor);
    return [...batchOf(a as Tensor), m * k + k * n];
  },
  forward: (y, [a], { columns: k }) => {
    const [m, n] = sidesOf(a as Tensor);
    eachItem(y, [a as Tensor], [m * n, m * k + k * n], ([item], out) => {
      const r = (item as Float64Array).slice();
      const q = new Float64Array(m * k);
      for (let i = 0; i < k; i++) q[i * k + i] = 1;
      const steps = Math.min(m, n);
      const reflectors: Float64Array[] = [];
      for (let j = 0; j < steps; j++) {
        const v = reflector(r, j, m, n);
        reflect(r, v, j, m, n);
        reflectors.push(v);
      }
      for (let j = steps - 1; j >= 0; j--) reflect(q, reflectors[j] as Float64Array, j, m, k);
      out.set(q);
      for (let i = 0; i < k; i++) for (let j = i; j < n; j++) out[m * k + i * n + j] = r[i * n + j] as number;
    });
  },
  savesOutput: true,
  backward: (dy, node) => {
    const [m, n] = (node.shapes[0] as readonly number[]).slice(-2) as [number, number];
    const { columns } = node.attrs;
    const { q, r } = parts(node.output, m, n, columns);
    const d = parts(dy, m, n, columns);
    if (m >= n) return [thin(q, r, d.q, d.r)];
    // A wide matrix: the first m columns make q, the rest are q·r₂.
    const [r1, r2] = [narrow(r, -1, 0, m), narrow(r, -1, m, n - m)];
    const [d1, d2] = [narrow(d.r, -1, 0, m), narrow(d.r, -1, m, n - m)];
    const a2 = matmul(q, r2);
    return [cat([thin(q, r1, add(d.q, matmul(a2, mT(d2))), d1), matmul(q, d2)], -1)];
  },
};

/** (dq + q·copyltu(r·drᵀ − dqᵀ·q))·r⁻ᵀ (Walter & Lehmann 2012), for as many rows as columns or more. */
function thin(q: Tensor, r: Tensor, dq: Tensor, dr: Tensor): Tensor {
  const m = sub(matmul(r, mT(dr)), matmul(mT(dq), q));
  const both = add(tril(m), mT(tril(m, -1)));
  return mT(triangular(r, mT(add(dq, matmul(q, both))), true, false));
}

function parts(packed: Tensor, m: number, n: number, k: number): { q: Tensor; r: Tensor } {
  return { q: unflatten(narrow(packed, -1, 0, m * k), -1, [m, k]), r: unflatten(narrow(packed, -1, m * k, k * n), -1, [k, n]) };
}

/** The v of I − 2·v·vᵀ that clears column j below the diagonal; zeros where there is nothing to clear. */
function reflector(r: Float64Array, j: number, m: number, n: number): Float64Array {
  const v = new Float64Array(m);
  let [largest, sum] = [0, 0];
  for (let i = j; i < m; i++) largest = Math.max(largest, Math.abs(r[i * n + j] as number));
  let below = 0;
  for (let i = j + 1; i < m; i++) below = Math.max(below, Math.abs(r[i * n + j] as number));
  if (below === 0) return v;
  for (let i = j; i < m; i++) {
    v[i] = (r[i * n + j] as number) / largest;
    sum += (v[i] as number) ** 2;
  }
  v[j] = (v[j] as number) + ((v[j] as number) >= 0 ? 1 : -1) * Math.sqrt(sum);
  let squares = 0;
  for (let i = j; i < m; i++) squares += (v[i] as number) ** 2;
  const length = Math.sqrt(squares);
  for (let i = j; i < m; i++) v[i] = (v[i] as number) / length;
  return v;
}

/** x ← (I − 2·v·vᵀ)·x, rows from `first`. */
function reflect(x: Float64Array, v: Float64Array, first: number, m: number, n: number): void {
  for (let c = 0; c < n; c++) {
    let share = 0;
    for (let i = first; i < m; i++) share += (v[i] as number) * (x[i * n + c] as number);
    if (share !== 0) for (let i = first; i < m; i++) x[i * n + c] = (x[i * n + c] as number) - 2 * share * (v[i] as number);
  }
}

/** Options of `qr`. */
export interface QROptions {
  /** 'reduced' (default): q [..., m, k], r [..., k, n], k = min(m, n). 'complete': k = m. 'r': r alone, q empty. */
  mode?: 'reduced' | 'complete' | 'r';
}

const MODES: Kinds<QROptions> = { mode: /* @__PURE__ */ oneOf('reduced', 'complete', 'r') };

/**
 * q with orthonormal columns and upper triangular r, a = q·r, of each matrix [..., m, n]. The gradient supposes that a's first min(m, n) columns
 * are independent; 'complete' of a tall matrix has none.
 */
export function qr(a: Tensor, options?: QROptions): { q: Tensor; r: Tensor } {
  assertArity('qr', arguments.length, 2);
  const { mode = 'reduced' } = optionsOf('qr', options, MODES);
  assertMatrices('qr', a);
  const [m, n] = sidesOf(a);
  const columns = mode === 'complete' ? m : Math.min(m, n);
  const op = columns > n ? completeOp : qrOp;
  const both = parts(apply(op, [a], { columns }), m, n, columns);
  return mode === 'r' ? { q: zeros([0]), r: both.r } : both;
}

const completeOp: Op<{ columns: number }> = /* @__PURE__ */ (() => ({
  ...qrOp,
  backward: () => {
    throw new GradloomError('GRAPH', 'qr', "mode 'complete' has no gradient for more rows than columns. Use 'reduced'.");
  },
}))();
