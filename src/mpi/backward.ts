// multiloss.backward over ranks: as if the whole batch had been on one. Every loss's gradient is averaged before anything is made of them: a
// Gramian of averages is no average of Gramians.
//
//   losses only      the averaged losses' weights, one pass, its gradients averaged
//   norms, Gramian   rows are averaged shard by shard, the shards' Gramians add up, every rank weighs alike and combines its shard (shards.ts)
//   Jacobian         every rank gets the averaged rows
import { accumulate } from '../autograd/leaf.ts';
import type { Place } from '../autograd/pass.ts';
import { type Found, withRows } from '../autograd/walk.ts';
import { reportWeights, scalarize, weightsFromLosses } from '../multiloss/combining/losses-only.ts';
import { layersOf, Measured } from '../multiloss/combining/measured.ts';
import { BACKWARD, type MultiBackwardOptions } from '../multiloss/combining/options.ts';
import { type BackwardReport, LiveReport } from '../multiloss/combining/report.ts';
import { Resolution } from '../multiloss/combining/resolution.ts';
import { solveWeights } from '../multiloss/combining/solve-weights.ts';
import { WeightTable } from '../multiloss/combining/weight-table.ts';
import { Sum } from '../multiloss/methods/from-losses/weighted.ts';
import type { Method, Weighting } from '../multiloss/methods/method.ts';
import { type Losses, presentOf } from '../multiloss/strategy.ts';
import { add, mul } from '../ops/binary.ts';
import { ones } from '../ops/create.ts';
import { narrow, reshape } from '../ops/movement.ts';
import { type Kinds, optionsOf } from '../tensor/check.ts';
import { floatsAt, writeFloats } from '../tensor/host.ts';
import { enableGrad } from '../tensor/modes.ts';
import { defaultGenerator } from '../tensor/random.ts';
import { hand, hostStep, recording } from '../tensor/recording.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { SAMPLES, sharesOf } from './average.ts';
import type { Exchange } from './exchange.ts';
import { averageRows, Shards, Step } from './shards.ts';

/** Options of `world.backward`: those of `multiloss.backward` without `at` and `other`. */
export interface WorldBackwardOptions<Name extends string = string> extends Omit<MultiBackwardOptions<Name>, 'at' | 'other'> {
  /** How many samples this rank's losses are means of, where ranks have different numbers; all ranks give it or none. */
  samples?: number;
}

const OP = 'world.backward';
const { at: _at, other: _other, ...KINDS } = BACKWARD;
const OPTIONS: Kinds<WorldBackwardOptions> = { ...KINDS, samples: SAMPLES };

/** How one step's losses become gradients, each rank having a part of the batch. */
class AcrossRanks<Name extends string> extends Resolution<Name> {
  private readonly step: Step;
  private readonly means: readonly Tensor[];

  constructor(step: Step, means: readonly Tensor[], method: Method, names: readonly Name[], absent: readonly Name[], options: MultiBackwardOptions<Name>) {
    super(method, names, absent, options);
    this.step = step;
    this.means = means;
  }

  override run(losses: readonly Tensor[], known: readonly Tensor[] | null, report: LiveReport<Name>): void {
    const { retainGraph } = this.options;
    withRows(losses, { retainGraph, fills: true, counts: this.sharing.counts }, (found) => {
      if (this.method.needs === 'jacobian') {
        averageRows(this.step, found);
        this.step.drawingAlike(() => this.combine(found, this.means, known, report, null));
      } else this.combineShards(found, known, report);
    });
  }

  /** As `combine`, of rows of which each rank has a shard. */
  private combineShards(found: Found, known: readonly Tensor[] | null, report: LiveReport<Name>): void {
    const { method, absent, sharing, options, measures, means: losses } = this;
    const shards = new Shards(this.step, found);
    const reached = new Map<Place, readonly number[]>(Array.from(found.rows, ([place, { ids }]) => [place, ids]));
    const sharedPlaces = sharing.sharedOf(reached);
    const shared = new Set(sharedPlaces);
    if (measures) shards.measure(found);
    const measured = measures ? new Measured(found, (p) => shared.has(p) && this.looksAt(p)) : null;
    const layers = measures || options.groups === 'layer' ? layersOf(sharedPlaces, found) : new Map<string, Place[]>();
    if (measures) report.measure(layers.keys());
    const groups = sharing.groupsOf(sharedPlaces, layers);
    const table = new WeightTable(groups.length, [...reached.values()]);
    this.step.drawingAlike(() => solveWeights(method, { losses, absent, known, measured, layers, groups, sizes: null, cross: null }, report, table));
    shards.accumulate((leaf, ids) => {
      const group = groups.findIndex((g) => g.places.has(leaf));
      return group >= 0 || this.weightedHeads ? table.of(group < 0 ? table.mean : group, ids) : ones([ids.length]);
    });
  }
}

/** Averages the losses over ranks: scalars that hold the means, without a graph. Fills the step's share. */
function averageLosses(step: Step, names: readonly string[], losses: readonly Tensor[], samples: number): Tensor[] {
  const { exchange, op } = step;
  const means = empty([losses.length]);
  hostStep([means, ...losses], ([address, ...places]) => {
    const values = places.map((place) => floatsAt(place, 1)[0] as number);
    const gathered = exchange.gather(op, 'the losses', names.join(), [samples, ...values, ...defaultGenerator().getState()]);
    const shares = sharesOf(op, gathered);
    step.share = shares[exchange.mpi.rank] as number;
    step.draws = Array.from((gathered[0] as Float64Array).slice(1 + values.length));
    writeFloats(
      address as number,
      values.map((_, i) => gathered.reduce((sum, row, r) => sum + (shares[r] as number) * (row[1 + i] as number), 0)),
    );
  });
  return losses.map((loss, i) => {
    const mean = reshape(narrow(means, 0, i, 1), []);
    mean.label = loss.label;
    return mean;
  });
}

/** `multiloss.backward` of the whole batch, of which this rank has a part. */
export function backward<Name extends string>(exchange: Exchange, losses: Losses<Name>, options?: WorldBackwardOptions<NoInfer<Name>>): BackwardReport<Name> {
  const { samples = 0, ...given } = optionsOf<WorldBackwardOptions<Name>>(OP, options, OPTIONS as Kinds<WorldBackwardOptions<Name>>);
  const { entries, absent } = presentOf(OP, losses);
  const names = entries.map(([name]) => name);
  const tensors = entries.map(([, loss]) => loss);
  const method: Method = given.combine ?? new Sum();
  recording()?.rely(method, () => method.needs);
  recording()?.method(method, names);
  const step = new Step(exchange, OP);
  const means = averageLosses(step, [...names, '', ...absent], tensors, samples);
  const resolution = new AcrossRanks(step, means, method, names, absent, given);
  const report = new LiveReport(method.name, names);
  hand(report);
  const scalarized = step.drawingAlike(() => scalarize(method, means, names));
  if (resolution.plain) {
    const weights = scalarized?.weights ?? step.drawingAlike(() => weightsFromLosses(method as Weighting, means, absent, report));
    if (scalarized) reportWeights(method, report, means, weights);
    const total = enableGrad(() => tensors.map((loss, i) => mul(reshape(loss, []), weights[i] as Tensor)).reduce((a, b) => add(a, b)));
    withRows([total], { retainGraph: given.retainGraph, fills: true }, (found) => {
      averageRows(step, found);
      for (const [leaf, { values }] of found.rows) accumulate(leaf as Tensor, values, true, false);
    });
  } else resolution.run(tensors, scalarized?.weights ?? null, report);
  for (const [p, g] of scalarized?.learnt ?? []) accumulate(p, g, false, false);
  return report.shown();
}
