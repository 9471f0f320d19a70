// Every loss's gradient at once, returned: the low level of training with several losses.
import { zeros } from '../ops/create.ts';
import { cat, clone, reshape, select, stack, unsqueeze } from '../ops/movement.ts';
import { assertArity, assertTensor, FLAG, type Kinds, optionsOf } from '../tensor/check.ts';
import { GradloomError, shapeText, valueError } from '../tensor/errors.ts';
import { requiresGrad } from '../tensor/op.ts';
import { hostStep } from '../tensor/recording.ts';
import { float32View, float64View } from '../runtime/memory.ts';
import type { Storage } from '../tensor/storage.ts';
import { assertAlive, empty, type Tensor } from '../tensor/tensor.ts';
import type { GradientsOf } from './backward.ts';
import { type Place, placeOf } from './pass.ts';
import { formRows, type Products, type Rows } from './rows.ts';
import { type Found, withRows } from './walk.ts';

/** Options of `jacobian` and `gramian`. */
export interface JacobianOptions {
  /** Keeps what ops saved, so that the graph can be gone through again. */
  retainGraph?: boolean;
}

const OPTIONS: Kinds<JacobianOptions> = { retainGraph: FLAG };

/** Throws unless every loss is a scalar with a graph, and every parameter asks for gradients. */
function check(op: string, losses: readonly Tensor[], params: readonly Tensor[]): void {
  for (const [name, list] of [
    ['losses', losses],
    ['parameters', params],
  ] as const) {
    if (!Array.isArray(list)) throw valueError(op, `the ${name} must be a list of tensors. Put a single one in brackets.`);
    for (const t of list) assertTensor(op, t, `each of the ${name}`);
  }
  if (losses.length === 0 || params.length === 0) throw valueError(op, `got ${losses.length} losses and ${params.length} parameters. Pass at least one of each.`);
  losses.forEach((loss, i) => {
    assertAlive(loss, op);
    if (loss.size !== 1) throw new GradloomError('SHAPE', op, `loss ${i} has shape ${shapeText(loss.sizes)}. Reduce it (mean or sum), or select() its elements.`);
    if (!requiresGrad(loss)) throw new GradloomError('GRAPH', op, `loss ${i} does not require a gradient: nothing that it was computed from does, or its graph was cut.`);
  });
  for (const p of params) {
    assertAlive(p, op);
    if (!requiresGrad(p)) throw new GradloomError('GRAPH', op, `the parameter ${p.describe()} does not require a gradient. Set requiresGrad before the forward pass.`);
  }
}

/** @internal Rows of all m losses, [m, ...shape]: zeros where a loss does not reach. */
export function everyRow(rows: Rows | undefined, m: number, shape: readonly number[]): Tensor {
  if (!rows) return zeros([m, ...shape]);
  const { ids, values } = rows;
  const one = ids.length === 1;
  if (ids.length === m && ids.every((id, i) => id === i)) return one ? unsqueeze(values, 0) : values;
  const at = (id: number): Tensor => {
    const i = ids.indexOf(id);
    return i < 0 ? zeros(shape) : one ? reshape(values, shape) : select(values, 0, i);
  };
  return stack(Array.from({ length: m }, (_, id) => at(id)));
}

/** @internal A leaf's rows, formed where the walk kept factors. */
export function rowsAt(found: Found, place: Place): Rows | undefined {
  const factor = found.factors.get(place as Tensor);
  return factor ? { ids: factor.ids, values: formRows(factor) } : found.rows.get(place);
}

/**
 * d lossᵢ / d param for every loss and parameter, in one walk over what the losses share. No `.grad` is touched.
 *
 * @param losses m scalars
 * @returns for each parameter [m, ...shape]; zeros where a loss does not depend on it
 */
export function jacobian<const Params extends readonly Tensor[]>(losses: readonly Tensor[], params: Params, options?: JacobianOptions): GradientsOf<Params> {
  assertArity('jacobian', arguments.length, 3);
  check('jacobian', losses, params);
  const { retainGraph } = optionsOf('jacobian', options, OPTIONS);
  const places = params.map(placeOf);
  return withRows(losses, { retainGraph, wanted: new Set(places) }, (found) => {
    const taken = new Set<Storage>(); // results share no memory
    return places.map((place, i) => {
      const rows = everyRow(rowsAt(found, place), losses.length, (params[i] as Tensor).sizes);
      const own = taken.has(rows.storage) ? clone(rows) : rows;
      taken.add(own.storage);
      return found.pass.expose(own);
    });
  }) as GradientsOf<Params>;
}

/** @internal Adds a leaf's inner products to a [m, m] matrix of all losses. */
export function addProducts(total: Float64Array, m: number, { ids }: Products, address: number): void {
  const [memory, k] = [float64View(), ids.length];
  ids.forEach((row, i) => {
    ids.forEach((column, j) => {
      (total[row * m + column] as number) += memory[address / 8 + i * k + j] as number;
    });
  });
}

/**
 * ⟨∇lossᵢ, ∇lossⱼ⟩ over the parameters, [m, m] float32: `jacobian` times its transpose, without forming gradients of linear, convolution and
 * embedding weights where that takes fewer operations. No `.grad` is touched.
 * @throws NONFINITE where a gradient is not finite, or a product is beyond float32
 */
export function gramian(losses: readonly Tensor[], params: readonly Tensor[], options?: JacobianOptions): Tensor {
  assertArity('gramian', arguments.length, 3);
  check('gramian', losses, params);
  const { retainGraph } = optionsOf('gramian', options, OPTIONS);
  const m = losses.length;
  const places = new Set(params.map(placeOf));
  return withRows(losses, { retainGraph, wanted: places, factored: () => true, measured: (p) => places.has(p) }, ({ gramians, pass }) => {
    const y = empty([m, m]);
    const leaves = [...gramians.values()];
    hostStep([y, ...leaves.map((l) => l.block)], ([address, ...blocks]) => {
      const total = new Float64Array(m * m);
      leaves.forEach((leaf, i) => {
        addProducts(total, m, leaf, blocks[i] as number);
      });
      const bad = total.findIndex((v) => !Number.isFinite(Math.fround(v)));
      if (bad >= 0) {
        const [i, j] = [Math.floor(bad / m), bad % m];
        throw new GradloomError('NONFINITE', 'gramian', `⟨g${i}, g${j}⟩ is ${total[bad]}, beyond float32. Scale the losses down, or take the report's gramian, which is float64.`);
      }
      float32View().set(total, (address as number) / 4);
    });
    return pass.expose(y);
  });
}

/** @internal The parameters' Jacobians side by side, [m, n]. */
export function flatRows(rows: readonly Tensor[]): Tensor {
  return cat(
    rows.map((r) => reshape(r, [r.sizes[0] as number, -1])),
    1,
  );
}
