// Inner products with the same losses of an independent batch.
import { everyRow, flatRows } from '../../autograd/jacobian.ts';
import type { Place } from '../../autograd/pass.ts';
import { innerProducts, type Products } from '../../autograd/rows.ts';
import { type Found, withRows } from '../../autograd/walk.ts';
import { GradloomError, valueError } from '../../tensor/errors.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { OP } from './options.ts';
import { type Losses, presentOf } from '../strategy.ts';

/** Inner products of what a walk found with gradients of another batch. `shared`: the places to look at. */
export type Cross = (found: Found, shared: ReadonlySet<Place>) => Products;

/** Walks the other batch's graph now. */
export function crossProducts(names: readonly string[], other: Losses): Cross {
  const { entries } = presentOf(OP, other);
  const losses = names.map((name) => entries.find(([n]) => n === name)?.[1]);
  if (entries.length !== names.length || losses.includes(undefined)) {
    throw valueError(OP, `\`other\` has the losses ${entries.map(([name]) => name).join(', ')}, the step ${names.join(', ')}. Give the same.`);
  }
  const m = names.length;
  const theirs = new Map<Place, Tensor>();
  withRows(losses as Tensor[], {}, (found) => {
    for (const place of found.rows.keys()) {
      if (!(place instanceof Tensor)) continue;
      theirs.set(place, found.pass.expose(everyRow(found.rows.get(place), m, place.sizes)));
    }
  });
  return (found, shared) => {
    const common = [...found.rows.keys()].filter((p): p is Tensor => p instanceof Tensor && theirs.has(p) && shared.has(p));
    if (common.length === 0) throw new GradloomError('GRAPH', OP, 'the losses of `other` share no parameter with the step. Compute both with one model.');
    const mine = flatRows(common.map((p) => everyRow(found.rows.get(p), m, p.sizes)));
    return { ids: names.map((_, i) => i), block: innerProducts(mine, flatRows(common.map((p) => theirs.get(p) as Tensor)), false) };
  };
}
