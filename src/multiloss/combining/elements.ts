// How large the elements of gradients are: what a weighting that needs the Jacobian gets beside inner products.
import { type Rows, stacked } from '../../autograd/rows.ts';
import { amax } from '../../ops/moments.ts';
import { reshape } from '../../ops/movement.ts';
import { sum } from '../../ops/reduce.ts';
import { abs } from '../../ops/unary.ts';
import { floatsAt } from '../../tensor/host.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Elements } from '../methods/method.ts';

/** Sizes of the elements of k gradients at one place, in memory. */
export interface RowSizes {
  readonly ids: readonly number[];
  /** n, of each gradient. */
  readonly count: number;
  /** max|gᵢ| and Σ|gᵢ|, [k] each. */
  readonly largest: Tensor;
  readonly sums: Tensor;
}

/** Measures rows; null where they have no elements. */
export function sizesOf(rows: Rows): RowSizes | null {
  const k = rows.ids.length;
  const count = rows.values.size / k;
  if (count === 0) return null;
  const x = abs(reshape(stacked(rows), [k, count]));
  return { ids: rows.ids, count, largest: amax(x, { dim: 1 }), sums: sum(x, { dim: 1 }) };
}

/**
 * Of all m losses over several places; a loss that does not reach one has zeros there. `addressOf`: a tensor's
 * address in this replay.
 */
export function elementsOf(places: readonly RowSizes[], m: number, addressOf: (t: Tensor) => number): Elements {
  const [largest, mean] = [new Float64Array(m), new Float64Array(m)];
  const total = places.reduce((n, { count }) => n + count, 0);
  for (const place of places) {
    const [most, sums] = [place.largest, place.sums].map((t) => floatsAt(addressOf(t), t.size)) as [Float32Array, Float32Array];
    place.ids.forEach((id, i) => {
      largest[id] = Math.max(largest[id] as number, most[i] as number); // NaN wins
      mean[id] = (mean[id] as number) + (sums[i] as number) / total;
    });
  }
  return { largest, mean };
}
