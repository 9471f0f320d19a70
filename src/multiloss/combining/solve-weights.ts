// From what a pass measured to weights: the method sees the step's numbers on the host, group by group.
import { addProducts } from '../../autograd/jacobian.ts';
import type { Place } from '../../autograd/pass.ts';
import type { Products } from '../../autograd/rows.ts';
import { GradloomError } from '../../tensor/errors.ts';
import { hostStep } from '../../tensor/recording.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Method, Scalarizer, Stats, Weighting } from '../methods/method.ts';
import { atRank, roundedProducts } from '../solve/rank.ts';
import { elementsOf, type RowSizes } from './elements.ts';
import type { Measured } from './measured.ts';
import { OP } from './options.ts';
import { type LiveReport, normsOf } from './report.ts';
import type { Group } from './sharing.ts';
import { assertNeeds, checkedWeights, readLosses, readScalars } from './losses-only.ts';
import type { WeightTable } from './weight-table.ts';

/** One step's losses, and what is known of their gradients. */
export interface Measurements {
  readonly losses: readonly Tensor[];
  /** Losses that the step names and does not have. */
  readonly absent: readonly string[];
  /** The weights where they are known already: derivatives of a function of the losses. */
  readonly known: readonly Tensor[] | null;
  readonly measured: Measured | null;
  readonly layers: ReadonlyMap<string, Place[]>;
  readonly groups: readonly Group[];
  /** The sizes of gradients' elements by place, where the method asks for them. */
  readonly sizes: ReadonlyMap<Place, RowSizes | null> | null;
  /** Inner products with another batch's gradients. */
  readonly cross: Products | null;
}

/** The inner products with another batch's gradients, if they are finite. */
function crossGramian(cross: Products, address: number, names: readonly string[]): Float64Array {
  const m = names.length;
  const gramian = new Float64Array(m * m);
  addProducts(gramian, m, cross, address);
  const bad = gramian.findIndex((v) => !Number.isFinite(v)) % m;
  if (bad >= 0) throw new GradloomError('NONFINITE', OP, `the gradient of '${names[bad]}' in \`other\` is not finite, so nothing was changed.`);
  return gramian;
}

/** Lets the method weigh the losses, and fills table and report; in a captured step at each replay. */
export function solveWeights(method: Method, step: Measurements, report: LiveReport<string>, table: WeightTable): void {
  const { losses, absent, known, measured, layers, groups, cross } = step;
  const { names } = report;
  const m = names.length;
  const { needs } = method;
  const products = measured?.all.map((p) => p.block) ?? [];
  const sizes = [...(step.sizes?.values() ?? [])].flatMap((s) => (s ? [s.largest, s.sums] : []));
  if (groups.length > 1) report.groupWeights = groups.map(({ name }) => ({ name, weights: new Float64Array(m) }));
  hostStep([table.block, ...losses, ...(known ?? []), ...products, ...sizes, ...(cross ? [cross.block] : [])], ([address, ...rest]) => {
    assertNeeds(method, needs);
    const take = (n: number): number[] => rest.splice(0, n);
    const values = readLosses(names, take(m));
    (method as Partial<Scalarizer>).assert?.(values, names);
    const given = known ? checkedWeights(method, readScalars(take(m)), m) : null;
    const blocks = take(products.length);
    measured?.assertFinite(names, blocks);
    const addressOf = new Map(take(sizes.length).map((at, i) => [sizes[i] as Tensor, at]));
    report.lossValues.set(values);
    measured?.fillReport(report, layers, blocks);
    report.weightValues.fill(0);
    const other = cross && crossGramian(cross, rest[0] as number, names);
    groups.forEach(({ places }, g) => {
      const zeros = new Float64Array(m * m);
      const own = groups.length === 1 && report.total ? report.total : (measured?.sum(zeros, m, places, blocks) ?? zeros);
      const exact = needs === 'gramian' && (method as Weighting).eps === undefined;
      const { gramian, rank } = other ? { gramian: other } : exact ? atRank(own, m, roundedProducts(m)) : { gramian: own };
      const elements = step.sizes
        ? elementsOf(
            [...places].flatMap((p) => step.sizes?.get(p) ?? []),
            m,
            (t) => addressOf.get(t) as number,
          )
        : undefined;
      const stats: Stats = { names, absent, losses: values, norms: normsOf(own, m), gramian, elements, rank };
      const weights = given ?? checkedWeights(method, (method as Weighting).weights(stats), m);
      report.groupWeights[g]?.weights.set(weights);
      weights.forEach((w, i) => {
        (report.weightValues[i] as number) += w / groups.length;
      });
      table.write(address as number, g, weights);
    });
    if (groups.length > 1) table.write(address as number, table.mean, report.weightValues);
  });
}
