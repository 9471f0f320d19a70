// Gradients of several losses side by side: how they are laid, merged and measured, and how one gradient is made of them.
import { call } from '../runtime/call.ts';
import { add } from '../ops/binary.ts';
import { bmm, mm } from '../ops/matmul.ts';
import { cat, inShape, reshape, select, stack, unsqueeze } from '../ops/movement.ts';
import { expand } from '../ops/reduce.ts';
import { dense, type OuterGradient } from '../tensor/op.ts';
import { sizeOf } from '../tensor/shape.ts';
import { type Node, seenWith, type Observer, observer } from '../tensor/tape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';

/** Gradients of some of the losses at one place. */
export interface Rows {
  /** Which losses, by position. */
  readonly ids: readonly number[];
  /** [k, ...shape] for k losses, or [...shape] for a single one. */
  readonly values: Tensor;
}

/** A leaf's gradients that were not formed: what an op needs to form one from any combination of the losses. */
export interface Factor {
  readonly ids: readonly number[];
  readonly node: Node;
  /** Which of the op's inputs the leaf is. */
  readonly input: number;
  /** Cotangents of the op's output, [k, ...y]. */
  readonly cotangents: Tensor;
}

/** Inner products of the gradients at one place: float64 [k, k] in memory. */
export interface Products {
  readonly ids: readonly number[];
  readonly block: Tensor;
}

/** [k, ...shape] of either form of rows. */
export function stacked({ ids, values }: Rows): Tensor {
  return ids.length === 1 ? unsqueeze(values, 0) : values;
}

/** Inner products of the rows of x [k, n], as float64 in memory. `y`: a symmetric map of x (as U Uᵀ·x), or other rows where not symmetric. */
export function innerProducts(x: Tensor, y: Tensor = x, symmetric = true): Tensor {
  const k = x.sizes[0] as number;
  const block = empty([2 * k * k]);
  call('gramian', dense(x).address, dense(y).address, k, k === 0 ? 0 : x.size / k, block.address, symmetric ? 1 : 0);
  return block;
}

/** The node as a rule sees it that is to compute some of its gradients only. */
function withNeeds(node: Node, needs: readonly boolean[]): Node {
  return needs === node.needs || needs.every((n, i) => n === node.needs[i]) ? node : seenWith(node, needs);
}

/** Whether rows belong to the same losses in the same order. */
export function sameIds({ ids: a }: Rows, { ids: b }: Rows): boolean {
  return a === b || (a.length === b.length && a.every((id, i) => id === b[i]));
}

/** The rows of an op's inputs from those of its output. `recorded`: they can be differentiated again, for which a row goes by itself. */
export function gradientsOf(node: Node, rows: Rows, wants: readonly boolean[], recorded = false): readonly (Tensor | null)[] {
  return observer ? observed(observer, node, rows, wants, recorded) : runRule(node, rows, wants, recorded);
}

/** Apart, since a function that makes a closure pays for it at each call. */
function observed(by: Observer, node: Node, rows: Rows, wants: readonly boolean[], recorded: boolean): readonly (Tensor | null)[] {
  return by.backward(node, () => runRule(node, rows, wants, recorded), rows.values);
}

function runRule(node: Node, { ids, values: dy }: Rows, wants: readonly boolean[], recorded: boolean): readonly (Tensor | null)[] {
  const { backward, batched } = node.op;
  if (!backward) return [];
  const seen = withNeeds(node, wants);
  if (ids.length === 1) return backward(dy, seen);
  const k = ids.length;
  if (!recorded && typeof batched === 'function') return batched(dy, node, wants);
  if (!recorded && batched === 'same') {
    const shapes = node.shapes.map((shape) => [k, ...new Array<number>(Math.max(0, dy.rank - 1 - shape.length)).fill(1), ...shape]);
    return backward(dy, seenWith(node, wants, shapes)).map((g, i) => g && inShape(g, [k, ...(node.shapes[i] as readonly number[])]));
  }
  const single = ids.map((_, i) => backward(select(dy, 0, i), seen));
  return node.edges.map((_, i) => {
    const column = single.map((list) => list[i] ?? null);
    return column.some((g) => g === null) ? null : stack(column as Tensor[]);
  });
}

/** The rows that count; the same object where all do. */
export function choose(rows: Rows, counts?: (id: number) => boolean): Rows {
  if (!counts) return rows;
  const kept = rows.ids.flatMap((id, i) => (counts(id) ? [i] : []));
  if (kept.length === rows.ids.length) return rows;
  const ids = kept.map((i) => rows.ids[i] as number);
  const list = kept.map((i) => select(rows.values, 0, i));
  if (kept.length === 0) return { ids, values: rows.values };
  return { ids, values: list.length === 1 ? (list[0] as Tensor) : stack(list) };
}

/** One block of rows for all that arrived: side by side where the losses differ, added where they are the same. */
export function merge(arrived: readonly Rows[]): Rows {
  // In the losses' order where they come one by one, so that nothing has to be put in order later.
  const list = [...arrived].sort((a, b) => (a.ids[0] as number) - (b.ids[0] as number));
  const ids = list.flatMap((r) => r.ids);
  const distinct = [...new Set(ids)];
  if (distinct.length === ids.length) return { ids, values: cat(list.map(stacked)) };
  const first = list[0] as Rows;
  if (list.every((r) => r.ids.join() === first.ids.join())) return { ids: first.ids, values: list.map((r) => r.values).reduce((a, b) => add(a, b)) };
  const sums = distinct.map((id) =>
    list
      .flatMap((r) => {
        const at = r.ids.indexOf(id);
        return at < 0 ? [] : [r.ids.length === 1 ? r.values : select(r.values, 0, at)];
      })
      .reduce((a, b) => add(a, b)),
  );
  return { ids: distinct, values: stack(sums) };
}

/** Whether inner products of a weight's gradients take fewer multiplications without the gradients than with them. */
function paysUnformed(outer: OuterGradient, node: Node, k: number, leaf: Tensor): boolean {
  const { rows, width, gradient, gram } = outer.cost(node);
  const pairs = (k * (k + 1)) / 2;
  return gram + rows * rows * width * k + pairs * rows * width < k * gradient + pairs * leaf.size;
}

/** Whether a weight's gradients that must be formed to be measured are better kept: where they take no more room than their factors. */
export function paysKept(outer: OuterGradient, node: Node, cotangents: Tensor, leaf: Tensor): boolean {
  const k = cotangents.sizes[0] as number;
  return k * leaf.size <= cotangents.size && !paysUnformed(outer, node, k, leaf);
}

/** ⟨gᵢ, gⱼ⟩ of a weight whose gradients are not formed, or formed and let go, whichever takes fewer multiplications. */
export function factorProducts(outer: OuterGradient, node: Node, cotangents: Tensor, leaf: Tensor): Tensor {
  const k = cotangents.sizes[0] as number;
  if (paysUnformed(outer, node, k, leaf)) {
    const { rows } = outer.cost(node);
    const d = outer.rowsOf(cotangents, node);
    const u = outer.gram(node);
    const image = bmm(expand(unsqueeze(u, 0), [k, rows, rows]), d);
    return innerProducts(reshape(d, [k, -1]), reshape(image, [k, -1]));
  }
  const wants = node.needs.map((_, i) => i === outer.input);
  const { batched } = node.op;
  const list = typeof batched === 'function' ? batched(cotangents, node, wants) : [];
  return innerProducts(reshape(list[outer.input] as Tensor, [k, -1]));
}

/** Σ wᵢ·rowᵢ of [k, ...shape] with w [k]: one gradient. */
export function combine(weights: Tensor, rows: Tensor): Tensor {
  const k = rows.sizes[0] as number;
  return reshape(mm(reshape(weights, [1, k]), reshape(rows, [k, sizeOf(rows.sizes) / Math.max(k, 1)])), rows.sizes.slice(1));
}

/** The leaf's gradient for losses combined with weights [k]: one product, whatever k is. */
export function formGradient({ node, input, cotangents }: Factor, weights: Tensor): Tensor {
  const wants = node.needs.map((_, i) => i === input);
  return node.op.backward?.(combine(weights, cotangents), withNeeds(node, wants))[input] as Tensor;
}

/** The leaf's gradients after all, [k, ...shape]. */
export function formRows({ node, input, cotangents }: Factor): Tensor {
  const wants = node.needs.map((_, i) => i === input);
  const { batched } = node.op;
  return (typeof batched === 'function' ? batched(cotangents, node, wants) : [])[input] as Tensor;
}
