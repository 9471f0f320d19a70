// What a walk measured of the losses' gradients: where the method looks, and elsewhere whether they are finite.
import { addProducts } from '../../autograd/jacobian.ts';
import type { Place } from '../../autograd/pass.ts';
import { innerProducts, type Products, stacked } from '../../autograd/rows.ts';
import type { Found } from '../../autograd/walk.ts';
import { reshape } from '../../ops/movement.ts';
import { GradloomError } from '../../tensor/errors.ts';
import { doublesAt } from '../../tensor/host.ts';
import type { Node } from '../../tensor/tape.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { OP } from './options.ts';
import type { LiveReport } from './report.ts';

/** Inner products in memory. */
export class Measured {
  /** Where the method looks. */
  readonly inspected = new Map<Place, Products>();
  /** All; last those that only say whether gradients are finite. */
  readonly all: readonly Products[];

  constructor(found: Found, looksAt: (place: Place) => boolean) {
    const others: Products[] = [];
    const add = (place: Place, ids: readonly number[], rows: Tensor): void => {
      const products = found.gramians.get(place) ?? { ids, block: innerProducts(reshape(rows, [ids.length, -1])) };
      if (looksAt(place)) this.inspected.set(place, products);
      else others.push(products);
    };
    for (const [place, rows] of found.rows) add(place, rows.ids, stacked(rows));
    // Gradients that were not materialized are finite where their cotangents are.
    for (const [leaf, { ids, cotangents }] of found.factors) add(leaf, ids, cotangents);
    this.all = [...this.inspected.values(), ...others];
  }

  /** Throws where a loss's gradient is not finite. @param addresses where each block lies */
  assertFinite(names: readonly string[], addresses: readonly number[]): void {
    this.all.forEach(({ ids }, p) => {
      const products = doublesAt(addresses[p] as number, ids.length ** 2);
      ids.forEach((id, i) => {
        if (Number.isFinite(products[i * (ids.length + 1)])) return;
        throw new GradloomError(
          'NONFINITE',
          OP,
          `the gradient of '${names[id]}' is not finite though the loss is, so nothing was changed. Look for √0, log(0), x/0 or overflow: setDetectAnomaly(true) names the op.`,
        );
      });
    });
  }

  /** Adds the inner products at some places to a [m, m] matrix of all losses. */
  sum(total: Float64Array, m: number, places: Iterable<Place>, addresses: readonly number[]): Float64Array {
    const at = new Map(this.all.map((p, i) => [p, addresses[i] as number]));
    for (const place of places) {
      const products = this.inspected.get(place);
      if (products) addProducts(total, m, products, at.get(products) as number);
    }
    return total;
  }

  /** Over everything that the method looks at and layer by layer, into the report. */
  fillReport({ names, total, layerProducts }: LiveReport<string>, layers: ReadonlyMap<string, Place[]>, addresses: readonly number[]): void {
    if (!total) return;
    this.sum(total.fill(0), names.length, this.inspected.keys(), addresses);
    [...layers.values()].forEach((list, i) => {
      this.sum((layerProducts[i] as { gramian: Float64Array }).gramian.fill(0), names.length, list, addresses);
    });
  }
}

/** Shared parameters by layer: those of one module, else those that one op takes. */
export function layersOf(places: readonly Place[], { users }: Found): Map<string, Place[]> {
  const layers = new Map<string, Place[]>();
  const unnamed = new Map<Node | undefined, string>();
  for (const place of places) {
    const user = place instanceof Tensor ? users.get(place) : place;
    let name = place instanceof Tensor && place.label ? place.label.replace(/\.[^.]*$/, '') : unnamed.get(user);
    if (name === undefined) {
      name = place instanceof Tensor ? `${user?.op.name ?? 'parameter'} ${unnamed.size}` : 'at';
      unnamed.set(user, name);
    }
    const list = layers.get(name);
    if (list) list.push(place);
    else layers.set(name, [place]);
  }
  return layers;
}
