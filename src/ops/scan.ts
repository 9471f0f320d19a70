// Products, and running sums and products, from their halves: log₂ n ops over the whole tensor, so that gradients are right at zeros too and
// roundings stay few.
import { normalizeDim } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add, mul, type Operand } from './binary.ts';
import { to } from './convert.ts';
import { full } from './create.ts';
import { cat, clone, flatten, narrow, reshape, squeeze } from './movement.ts';

/** The product over one dimension (over everything unless said); 1 over nothing. */
export function prod(x: Tensor, dim?: number, keepdim = false): Tensor {
  if (dim === undefined) return prod(flatten(x), 0);
  const at = normalizeDim('prod', dim, x.rank);
  if (x.rank === 0) return reshape(prod(reshape(x, [1]), 0), []);
  let y = x.dtype === 'bool' ? to(x, 'int32') : x;
  if (x.shape[at] === 0) {
    y = full(
      x.shape.map((n, i) => (i === at ? 1 : n)),
      1,
      { dtype: y.dtype },
    );
    // An empty part of x keeps the graph whole.
    if (x.dtype === 'float32') y = cat([y, x], at);
  }
  for (let n = y.shape[at] as number; n > 1; n = y.shape[at] as number) {
    const half = n >> 1;
    const pairs = mul(narrow(y, at, 0, half), narrow(y, at, half, half));
    y = n % 2 === 0 ? pairs : cat([pairs, narrow(y, at, n - 1, 1)], at);
  }
  return keepdim ? y : squeeze(y, at);
}

/** y[i] = x[0] ∘ … ∘ x[i] along a dimension: each step joins runs of twice the length (Hillis & Steele 1986). */
function scan(op: string, x: Tensor, dim: number, join: (a: Operand, b: Operand) => Tensor): Tensor {
  const at = normalizeDim(op, dim, x.rank);
  let y = x.dtype === 'bool' ? to(x, 'int32') : x;
  const n = y.shape[at] ?? 1;
  if (n <= 1) return clone(y);
  for (let step = 1; step < n; step *= 2) y = cat([narrow(y, at, 0, step), join(narrow(y, at, step, n - step), narrow(y, at, 0, n - step))], at);
  return y;
}

/** Running sums along a dimension: y[i] = x[0] + … + x[i]. */
export function cumsum(x: Tensor, dim: number): Tensor {
  return scan('cumsum', x, dim, add);
}

/** Running products along a dimension: y[i] = x[0] · … · x[i]. */
export function cumprod(x: Tensor, dim: number): Tensor {
  return scan('cumprod', x, dim, mul);
}
