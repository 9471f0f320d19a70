// One walk for every loss's gradient, and what becomes of them: numbers for the method, its weights back to the
// gradients that the losses share, one gradient for each parameter.
import { continueBackward } from '../../autograd/backward.ts';
import { accumulate } from '../../autograd/leaf.ts';
import type { Place } from '../../autograd/pass.ts';
import { combine as combineRows, formGradient, type Rows, stacked } from '../../autograd/rows.ts';
import { type Found, type WalkOptions, withRows } from '../../autograd/walk.ts';
import { ones } from '../../ops/create.ts';
import { sum } from '../../ops/reduce.ts';
import { GradloomError, valueError } from '../../tensor/errors.ts';
import { Node } from '../../tensor/tape.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { headsOf, isAggregator, type Method } from '../methods/method.ts';
import { addDirections, isWhole } from './directions.ts';
import { sizesOf } from './elements.ts';
import { layersOf, Measured } from './measured.ts';
import { type MultiBackwardOptions, OP } from './options.ts';
import { type Cross, crossProducts } from './other-batch.ts';
import type { LiveReport } from './report.ts';
import { type Reached, Sharing } from './sharing.ts';
import { solveWeights } from './solve-weights.ts';
import { WeightTable } from './weight-table.ts';

/** Refuses options that do not go with the method. */
function assertOptions(method: Method, { groups = 'model', on, at, other, heads }: MultiBackwardOptions): void {
  const weighs = method.needs !== 'losses' && !isAggregator(method);
  if (groups !== 'model') {
    const stateful = weighs && Object.keys(method.stateDict?.() ?? {}).length > 0;
    const why = stateful ? 'remembers between steps' : 'does not weigh gradients';
    if (stateful || !weighs) throw valueError(OP, `${method.name} ${why}: it takes no groups. Leave \`groups\` out, or take PCGrad, UPGrad or MGDA.`);
  }
  if (!isAggregator(method)) return;
  if (on || at || other) throw valueError(OP, `${method.name} works on gradients themselves. Leave out \`on\`, \`at\` and \`other\`.`);
  if (heads === 'weighted') throw valueError(OP, `${method.name} gives a direction. Leave \`heads\` out, or take 'unweighted'.`);
}

/** How one step's losses become gradients: method and options, checked. */
export class Resolution<Name extends string> {
  protected readonly method: Method;
  private readonly names: readonly Name[];
  protected readonly absent: readonly Name[];
  protected readonly options: MultiBackwardOptions<Name>;
  protected readonly sharing: Sharing<Name>;
  protected readonly weightedHeads: boolean;
  protected readonly measures: boolean;

  constructor(method: Method, names: readonly Name[], absent: readonly Name[], options: MultiBackwardOptions<Name>) {
    this.method = method;
    this.names = names;
    this.absent = absent;
    this.options = options;
    this.sharing = new Sharing(method, names, absent, options);
    this.weightedHeads = (options.heads ?? headsOf(method)) === 'weighted';
    this.measures = (options.measure ?? false) || method.needs !== 'losses';
    assertOptions(method, options as MultiBackwardOptions);
  }

  /** Whether one ordinary pass with known weights does. */
  get plain(): boolean {
    const { shared, only, at, groups } = this.options;
    return this.method.needs === 'losses' && !this.measures && this.weightedHeads && !shared && !only && !at && !groups;
  }

  protected looksAt(place: Place): boolean {
    return this.measures && this.sharing.looksAt(place);
  }

  run(losses: readonly Tensor[], known: readonly Tensor[] | null, report: LiveReport<Name>): void {
    const { method, sharing, options } = this;
    const { boundary, counts } = sharing;
    const cross = options.other ? crossProducts(this.names, options.other) : null;
    const walkOptions: WalkOptions = {
      retainGraph: options.retainGraph,
      fills: true,
      ends: boundary instanceof Node ? new Set([boundary]) : undefined,
      factored: (leaf: Tensor) => method.needs !== 'jacobian' && !cross && leaf !== boundary,
      measured: (place: Place) => this.looksAt(place) || (this.measures && !sharing.named && place instanceof Tensor),
      counts,
    };
    withRows(losses, walkOptions, (found) => this.combine(found, losses, known, report, cross));
  }

  /** Turns what the walk found into one gradient for each leaf. */
  protected combine(found: Found, losses: readonly Tensor[], known: readonly Tensor[] | null, report: LiveReport<Name>, cross: Cross | null): void {
    const { method, absent, sharing, options, measures } = this;
    const reached: Reached = new Map<Place, readonly number[]>([...found.rows, ...found.factors].map(([place, { ids }]) => [place, ids]));
    const sharedPlaces = sharing.sharedOf(reached);
    const shared = new Set(sharedPlaces);
    const measured = measures ? new Measured(found, (p) => shared.has(p) && this.looksAt(p)) : null;
    if (sharing.named && measured?.inspected.size === 0) throw new GradloomError('GRAPH', OP, 'none of the parameters `on` is shared by two losses. Name the last shared layer.');
    const layers = measures || options.groups === 'layer' ? layersOf(sharedPlaces, found) : new Map<string, Place[]>();
    if (measures) report.measure(layers.keys());
    if (isAggregator(method)) {
      addDirections(method, losses, absent, measured as Measured, layers, sharedPlaces, found, report);
      for (const place of reached.keys()) if (place instanceof Tensor && !shared.has(place)) accumulate(place, ...combined(found, place, null), false);
      return;
    }
    const sizes = method.needs === 'jacobian' ? new Map(sharedPlaces.flatMap((p) => (this.looksAt(p) ? [[p, sizesOf(found.rows.get(p) as Rows)] as const] : []))) : null;
    const groups = sharing.groupsOf(sharedPlaces, layers);
    const table = new WeightTable(groups.length, [...reached.values()]);
    solveWeights(method, { losses, absent, known, measured, layers, groups, sizes, cross: cross?.(found, shared) ?? null }, report, table);
    this.continueAt(found, table);
    for (const place of reached.keys()) {
      if (!(place instanceof Tensor) || place === sharing.boundary) continue;
      const group = groups.findIndex((g) => g.places.has(place));
      // Heads of several groups have their weights' mean.
      const weights = (ids: readonly number[]): Tensor => table.of(group < 0 ? table.mean : group, ids);
      accumulate(place, ...combined(found, place, group >= 0 || this.weightedHeads ? weights : null), false);
    }
  }

  /** Lets the combined gradient at the tensor `at` go on through the trunk. */
  private continueAt(found: Found, table: WeightTable): void {
    const { boundary } = this.sharing;
    const rows = boundary && found.rows.get(boundary);
    if (!rows) return;
    const { at, retainGraph } = this.options;
    found.pass.outside(() => {
      const gradient = combineRows(table.of(0, rows.ids), stacked(rows));
      if (boundary instanceof Node) continueBackward(at as Tensor, gradient, retainGraph);
      else accumulate(boundary, gradient, false, false);
    });
  }
}

/**
 * A leaf's gradient, and whether its memory is nobody else's. `weights`: of the losses that meet there; null: each
 * counts 1.
 */
function combined(found: Found, leaf: Tensor, weights: ((ids: readonly number[]) => Tensor) | null): [Tensor, boolean] {
  const factor = found.factors.get(leaf);
  if (factor) return [formGradient(factor, weights ? weights(factor.ids) : ones([factor.ids.length])), true];
  const rows = found.rows.get(leaf) as Rows;
  if (weights) return [combineRows(weights(rows.ids), stacked(rows)), true];
  return rows.ids.length === 1 ? [rows.values, !leaf.meta?.hooks && isWhole(rows.values) && rows.values.storage.holds === 1] : [sum(rows.values, { dim: 0 }), true];
}
