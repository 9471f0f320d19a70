// Which parameters a loss reaches, read from its graph.
import { nodeOf } from '../../tensor/op.ts';
import type { Edge } from '../../tensor/tape.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { withoutPoints } from '../combining/sharing.ts';

/** The leaves that ask for a gradient and that `loss` was computed from, in the order the graph is met. */
function leavesOf(loss: Tensor): Set<Tensor> {
  const leaves = new Set<Tensor>();
  const seen = new Set<Edge>();
  const todo: Edge[] = [nodeOf(loss) ?? loss];
  while (todo.length > 0) {
    const next = todo.pop();
    if (!next || seen.has(next)) continue;
    seen.add(next);
    if (next instanceof Tensor) {
      if (next.meta?.wantsGrad) leaves.add(next);
    } else todo.push(...next.edges);
  }
  return leaves;
}

/** The leaves that two or more of the losses reach: where they can be in conflict. Of one loss, all that it reaches. */
export function sharedLeaves(losses: readonly Tensor[]): Tensor[] {
  const reached = losses.map(leavesOf);
  const times = new Map<Tensor, number>();
  for (const set of reached) for (const leaf of set) times.set(leaf, (times.get(leaf) ?? 0) + 1);
  return [...withoutPoints([...times].filter(([, n]) => n > 1 || losses.length === 1).map(([leaf]) => leaf))];
}
