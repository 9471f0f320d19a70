// One walk for every loss's gradient, and what becomes of them: inner products for the method, weights back to the places that the losses
// share, one gradient for each parameter.
import { continueBackward } from '../../autograd/backward.ts';
import { accumulate } from '../../autograd/leaf.ts';
import { addProducts, everyRow, rowsAt } from '../../autograd/jacobian.ts';
import type { Place } from '../../autograd/pass.ts';
import { combine as combineRows, formGradient, type Products, type Rows, stacked } from '../../autograd/rows.ts';
import { type Found, withRows } from '../../autograd/walk.ts';
import { ones } from '../../ops/create.ts';
import { narrow, reshape } from '../../ops/movement.ts';
import { sum } from '../../ops/reduce.ts';
import { float32View } from '../../runtime/memory.ts';
import { GradloomError, valueError, valueText, warnOnce } from '../../tensor/errors.ts';
import { hostStep } from '../../tensor/recording.ts';
import { currentScope } from '../../tensor/storage.ts';
import { Node } from '../../tensor/tape.ts';
import { empty, Tensor } from '../../tensor/tensor.ts';
import { elementsOf, type RowSizes, sizesOf } from './elements.ts';
import { type Aggregator, headsOf, isAggregator, type Method, type Scalarizer, type Stats, type Weighting } from '../methods/method.ts';
import { layersOf, Measured } from './measured.ts';
import { type MultiBackwardOptions, OP, placeOf, placesOf } from './options.ts';
import { type Cross, crossProducts } from './other.ts';
import { type LiveReport, normsOf } from './report.ts';
import { atRank, roundedProducts } from '../solve/rank.ts';
import { assertNeeds, checked, readLosses, readScalars } from './weigh.ts';

/** Parameters whose conflict is resolved together, and what is known of them. */
interface Group {
  readonly name: string;
  readonly places: ReadonlySet<Place>;
  readonly sizes: RowSizes[];
}

/** Parameters that losses have shared under a method: a step that lacks some of the losses does not make them heads. */
const SHARED = new WeakMap<Method, WeakSet<Place>>();

/** Options, checked and made into questions that a walk asks. */
export class Resolution<Name extends string> {
  private readonly method: Method;
  private readonly names: readonly Name[];
  private readonly absent: readonly Name[];
  private readonly options: MultiBackwardOptions<Name>;
  private readonly shared: ReadonlySet<Place> | null;
  private readonly on: ReadonlySet<Place> | null;
  private readonly only: readonly (ReadonlySet<Tensor> | null)[];
  private readonly boundary: Place | null;
  private readonly weightedHeads: boolean;
  private readonly measures: boolean;
  private readonly weighsElements: boolean;

  constructor(method: Method, names: readonly Name[], absent: readonly Name[], options: MultiBackwardOptions<Name>) {
    const { shared, on, at, heads, groups = 'model' } = options;
    const only: { readonly [K in Name]?: Iterable<Tensor> } = options.only ?? {};
    this.method = method;
    this.names = names;
    this.absent = absent;
    this.options = options;
    this.shared = shared ? placesOf('shared', shared) : null;
    this.on = on ? placesOf('on', on) : null;
    for (const name of Object.keys(only)) {
      if (![...names, ...absent].includes(name as Name))
        throw valueError(OP, `\`only\` names the loss '${name}', which is not among ${names.join(', ')}. Where a batch lacks it, give it as null.`);
    }
    this.only = names.map((name) => (Object.hasOwn(only, name) && only[name] ? new Set(only[name]) : null));
    this.boundary = at ? placeOf('at', at) : null;
    this.weightedHeads = (heads ?? headsOf(method)) === 'weighted';
    this.measures = (options.measure ?? false) || method.needs !== 'losses';
    this.weighsElements = method.needs === 'jacobian' && !isAggregator(method);
    if (groups !== 'model') {
      const stateful = method.needs !== 'losses' && !isAggregator(method) && Object.keys(method.stateDict()).length > 0;
      if (stateful || method.needs === 'losses' || isAggregator(method)) {
        throw valueError(
          OP,
          `${method.name} ${stateful ? 'remembers between steps' : 'does not weigh gradients'}, so it cannot be used with groups. Leave \`groups\` out, or take PCGrad, UPGrad or MGDA.`,
        );
      }
    }
    if (isAggregator(method) && (on || at || options.other)) throw valueError(OP, `${method.name} works on gradients themselves. Leave out \`on\`, \`at\` and \`other\`.`);
    if (isAggregator(method) && heads === 'weighted') throw valueError(OP, `${method.name} gives a direction, no weights. Leave \`heads\` out, or take 'unweighted'.`);
  }

  /** Whether one ordinary pass with known weights does. */
  get plain(): boolean {
    const { shared, only, at, groups } = this.options;
    return this.method.needs === 'losses' && !this.measures && this.weightedHeads && !shared && !only && !at && !groups;
  }

  /** Whether the gradients at a place are combined by the method. */
  private isShared(place: Place, ids: readonly number[]): boolean {
    if (place === this.boundary) return true;
    return this.shared ? this.shared.has(place) : ids.length > 1 || (SHARED.get(this.method)?.has(place) ?? false);
  }

  /** Those places. */
  private sharedOf(met: ReadonlyMap<Place, readonly number[]>): Place[] {
    const places = [...met.keys()];
    const shared = places.filter((p) => this.isShared(p, met.get(p) ?? []));
    if (shared.length === 0 && this.names.length === 1 && !this.shared) return places;
    const known = SHARED.get(this.method) ?? new WeakSet();
    if (!this.shared) for (const p of shared) if (p instanceof Tensor) known.add(p);
    SHARED.set(this.method, known);
    return shared;
  }

  /** Whether the method looks at the gradients at a place, if it is a shared one. */
  private looksAt(place: Place): boolean {
    const { boundary, on } = this;
    return this.measures && (boundary ? place === boundary : on ? on.has(place) : true);
  }

  run(losses: readonly Tensor[], known: readonly Tensor[] | null, report: LiveReport<Name>): void {
    const { boundary, method, only } = this;
    const cross = this.options.other ? crossProducts(this.names, this.options.other) : null;
    const walkOptions = {
      retainGraph: this.options.retainGraph,
      boundary: boundary instanceof Node ? new Set([boundary]) : undefined,
      factored: (leaf: Tensor) => method.needs !== 'jacobian' && !cross && leaf !== boundary,
      measured: (place: Place) => this.looksAt(place) || (this.measures && !this.on && place instanceof Tensor),
      counts: only.some((o) => o !== null) ? (leaf: Tensor, id: number) => only[id]?.has(leaf) ?? true : undefined,
    };
    withRows(losses, walkOptions, (found) => this.settle(found, losses, known, report, cross));
  }

  /** Turns what the walk found into one gradient for each leaf. */
  private settle(found: Found, losses: readonly Tensor[], known: readonly Tensor[] | null, report: LiveReport<Name>, cross: Cross | null): void {
    const { boundary, method, on } = this;
    // Which losses meet at a place.
    const met = new Map<Place, readonly number[]>();
    for (const [place, { ids }] of [...found.rows, ...found.factors]) met.set(place, ids);
    const places = [...met.keys()];
    const sharedPlaces = this.sharedOf(met);
    if (boundary && !found.rows.has(boundary)) throw new GradloomError('GRAPH', OP, 'no loss is computed from the tensor `at`. Pass the features that the heads read.');
    this.assertShared(sharedPlaces, met);
    const shared = new Set(sharedPlaces);
    const measured = this.measures ? new Measured(found, (p) => shared.has(p) && this.looksAt(p)) : null;
    if (on && measured?.looked.size === 0) throw new GradloomError('GRAPH', OP, 'none of the parameters `on` is shared by two losses. Name the last shared layer.');
    const layers = this.measures || this.options.groups === 'layer' ? layersOf(sharedPlaces, found) : new Map<string, Place[]>();
    if (this.measures) report.measure(layers.keys());
    if (isAggregator(method)) {
      this.aggregate(method, losses, sharedPlaces, found, measured as Measured, layers, report);
      for (const place of places) if (place instanceof Tensor && !shared.has(place)) accumulate(place, ...combined(found, place, null), false);
      return;
    }
    const looked = this.weighsElements ? sharedPlaces.filter((p) => this.looksAt(p)) : [];
    const sizes = new Map(looked.map((p) => [p, sizesOf(found.rows.get(p) as Rows)]));
    const groups = this.groupsOf(sharedPlaces, layers, sizes);
    const weights = this.solve(losses, known, report, measured, layers, groups, cross?.(found, shared) ?? null, [...met.values()]);
    if (boundary && found.rows.has(boundary)) {
      const rows = found.rows.get(boundary) as Rows;
      const { at, retainGraph } = this.options;
      found.outside(() => {
        const gradient = combineRows(weights(0, rows.ids), stacked(rows));
        if (boundary instanceof Node) continueBackward(at as Tensor, gradient, retainGraph);
        else accumulate(boundary, gradient, false, false);
      });
    }
    for (const place of places) {
      if (!(place instanceof Tensor) || place === boundary) continue;
      const group = groups.findIndex((g) => g.places.has(place));
      // Heads of several groups have their weights' mean.
      const head = groups.length > 1 ? groups.length : 0;
      accumulate(place, ...combined(found, place, group >= 0 || this.weightedHeads ? (ids) => weights(group < 0 ? head : group, ids) : null), false);
    }
  }

  /** Losses that have nothing in common have no conflict to resolve: said, since it is a mistake in the model or the options. */
  private assertShared(places: readonly Place[], met: ReadonlyMap<Place, readonly number[]>): void {
    const { method, names } = this;
    if (method.needs === 'losses' || names.length < 2) return;
    const lonely = names.filter((_, i) => !places.some((p) => met.get(p)?.includes(i)));
    if (places.length === 0) {
      throw new GradloomError(
        'GRAPH',
        OP,
        `the losses ${names.join(', ')} share no parameter, so ${method.name} has nothing to resolve. Call backward on each, or name the parameters by \`shared\`.`,
      );
    }
    for (const name of lonely)
      warnOnce(`${OP} ${name}`, `${OP}: the loss '${name}' reaches none of the shared parameters; it trains only its own. Check detach() and noGrad() on its way.`);
  }

  private groupsOf(places: readonly Place[], layers: ReadonlyMap<string, Place[]>, sizes: ReadonlyMap<Place, RowSizes | null>): Group[] {
    const { groups = 'model' } = this.options;
    const of = (name: string, list: readonly Place[]): Group => ({
      name,
      places: new Set(list),
      sizes: list.flatMap((p) => sizes.get(p) ?? []),
    });
    if (groups === 'model') return [of('model', places)];
    if (groups === 'layer') return Array.from(layers, ([name, list]) => of(name, list));
    if (groups === 'param') return places.map((p, i) => of((p instanceof Tensor && p.label) || `parameter ${i}`, [p]));
    const given = groups.map((list, i) => of(`group ${i}`, [...placesOf(`groups[${i}]`, list)]));
    const missing = places.find((p) => !given.some((g) => g.places.has(p)));
    if (missing) throw valueError(OP, `the shared parameter ${missing instanceof Tensor ? missing.describe() : 'of `at`'} is in none of the groups. Name each once.`);
    return given;
  }

  /** Lets the method weigh the losses, group by group. Returns where weights of some of the losses lie in memory, [k]. */
  private solve(
    losses: readonly Tensor[],
    known: readonly Tensor[] | null,
    report: LiveReport<Name>,
    measured: Measured | null,
    layers: ReadonlyMap<string, Place[]>,
    groups: readonly Group[],
    cross: Products | null,
    idLists: readonly (readonly number[])[],
  ): (group: number, ids: readonly number[]) => Tensor {
    const { method, names, absent } = this;
    const m = names.length;
    const products = measured?.all ?? [];
    if (groups.length > 1) report.groupWeights = groups.map(({ name }) => ({ name, weights: new Float64Array(m) }));
    // One list of weights for each group, and for their mean, and each set of losses that meet at some parameter.
    const keys = [...new Map(idLists.map((ids) => [ids.join(), ids])).values()];
    const starts = new Map<string, number>();
    let size = 0;
    [...groups, null].slice(0, groups.length > 1 ? groups.length + 1 : 1).forEach((_, g) => {
      for (const ids of keys) {
        starts.set(`${g}:${ids.join()}`, size);
        size += ids.length;
      }
    });
    const place = empty([Math.max(size, 1)]);
    const sizes = groups.flatMap((g) => g.sizes).flatMap(({ largest, sums }) => [largest, sums]);
    const inputs = [place, ...losses, ...(known ?? []), ...products.map((p) => p.block), ...sizes, ...(cross ? [cross.block] : [])];
    const { needs } = method;
    hostStep(inputs, ([address, ...rest]) => {
      assertNeeds(method, needs);
      const values = readLosses(names, rest.slice(0, m));
      (method as Partial<Scalarizer>).assert?.(values, names);
      const given = known ? checked(method, readScalars(rest.slice(m, 2 * m)), m) : null;
      const blocks = rest.slice(known ? 2 * m : m);
      measured?.assertFinite(names, blocks);
      const sizeAt = new Map(sizes.map((t, i) => [t, blocks[products.length + i] as number]));
      report.lossValues.set(values);
      measured?.tell(report, layers, blocks);
      report.weightValues.fill(0);
      const tell = (w: Float64Array, g: number): void => {
        const memory = float32View();
        for (const ids of keys) {
          memory.set(
            ids.map((id) => w[id] as number),
            (address as number) / 4 + (starts.get(`${g}:${ids.join()}`) as number),
          );
        }
      };
      groups.forEach((group, g) => {
        const zeros = new Float64Array(m * m);
        const own = groups.length === 1 && report.total ? report.total : (measured?.sum(zeros, m, group.places, blocks) ?? zeros);
        let [gramian, rank]: [Float64Array, number | undefined] = [own, undefined];
        if (cross) {
          gramian = new Float64Array(m * m);
          addProducts(gramian, m, cross, blocks[products.length + sizes.length] as number);
          const bad = gramian.findIndex((v) => !Number.isFinite(v)) % m;
          if (bad >= 0) throw new GradloomError('NONFINITE', OP, `the gradient of '${names[bad]}' in \`other\` is not finite, so nothing was changed.`);
        } else if (needs === 'gramian' && (method as Weighting).eps === undefined) ({ gramian, rank } = atRank(own, m, roundedProducts(m)));
        const elements = this.weighsElements ? elementsOf(group.sizes, m, (t) => sizeAt.get(t) as number) : undefined;
        const stats: Stats = { names, absent, losses: values, norms: normsOf(own, m), gramian, elements, rank };
        const w = given ?? checked(method, (method as Weighting).weights(stats), m);
        report.groupWeights[g]?.weights.set(w);
        w.forEach((x, i) => {
          (report.weightValues[i] as number) += x / groups.length;
        });
        tell(w, g);
      });
      if (groups.length > 1) tell(report.weightValues, groups.length);
    });
    return (group, ids) => narrow(place, 0, starts.get(`${group}:${ids.join()}`) as number, ids.length);
  }

  /** Directions straight from the gradients. */
  private aggregate(
    method: Aggregator,
    losses: readonly Tensor[],
    places: readonly Place[],
    found: Found,
    measured: Measured,
    layers: ReadonlyMap<string, Place[]>,
    report: LiveReport<Name>,
  ): void {
    const { names, absent } = this;
    const m = names.length;
    report.weightValues.fill(Number.NaN);
    const [gramian, norms] = [report.total as Float64Array, new Float64Array(m)];
    hostStep([...losses, ...measured.all.map((p) => p.block)], (addresses) => {
      const [values, blocks] = [readLosses(names, addresses.slice(0, m)), addresses.slice(m)];
      measured.assertFinite(names, blocks);
      report.lossValues.set(values);
      measured.tell(report, layers, blocks);
      norms.set(normsOf(gramian, m));
    });
    const leaves = places.filter((p): p is Tensor => p instanceof Tensor);
    const rows = leaves.map((leaf) => reshape(everyRow(rowsAt(found, leaf), m, leaf.sizes), [m, -1]));
    const stats: Stats = { names, absent, losses: report.lossValues, norms, gramian, parameters: leaves };
    const directions = method.directions(rows, stats);
    assertDirections(method.name, directions, leaves);
    directions.forEach((direction, i) => {
      const leaf = leaves[i] as Tensor;
      // A block that the method made now and nothing else knows may become the gradient as it is.
      const fresh = isWhole(direction) && !rows.some((r) => r.storage === direction.storage);
      accumulate(leaf, reshape(direction, leaf.sizes), fresh, false);
    });
  }
}

/** Throws unless a method of the user's gave a direction for each parameter. */
function assertDirections(method: string, directions: unknown, leaves: readonly Tensor[]): void {
  const fits = (d: unknown, i: number): boolean => d instanceof Tensor && d.dtype === 'float32' && d.size === leaves[i]?.size;
  if (Array.isArray(directions) && directions.length === leaves.length && directions.every(fits)) return;
  throw new GradloomError(
    'SHAPE',
    `${method}.directions`,
    `must return one float32 tensor for each of the ${leaves.length} parameters, as long as it, got ${valueText(directions)}.`,
  );
}

/** Whether a tensor is the whole of a block that this pass made. */
function isWhole(t: Tensor): boolean {
  return t.storage.owner === currentScope() && t.isContiguous() && t.size * 4 === t.storage.bytes;
}

/** A leaf's gradient, and whether its memory is nobody else's. `weights`: of the losses that meet there; null: each counts 1. */
function combined(found: Found, leaf: Tensor, weights: ((ids: readonly number[]) => Tensor) | null): [Tensor, boolean] {
  const factor = found.factors.get(leaf);
  if (factor) return [formGradient(factor, weights ? weights(factor.ids) : ones([factor.ids.length])), true];
  const rows = found.rows.get(leaf) as Rows;
  if (weights) return [combineRows(weights(rows.ids), stacked(rows)), true];
  return rows.ids.length === 1 ? [rows.values, !leaf.hooks && isWhole(rows.values) && rows.values.storage.holds === 1] : [sum(rows.values, { dim: 0 }), true];
}
