// Backward passes over one graph that follow one another, as one. A pass that retains its graph waits where nothing watches it: if another
// one over that graph comes before anything else happens at the seam (`postpone` in runtime/call.ts), both are one walk, and what their losses share is gone through
// once. Gradients add up either way; only roundings differ.
import { nodeOf } from '../tensor/op.ts';
import { postpone, settle, withoutSettling } from '../runtime/call.ts';
import { isAnomalyEnabled, withoutModes } from '../tensor/modes.ts';
import type { Node } from '../tensor/tape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { fill, insidePass, survey } from './pass.ts';

/** What waits: where passes start, from which gradients, and the ops behind them. */
interface Waiting {
  readonly roots: Tensor[];
  readonly gradients: Tensor[];
  readonly nodes: Set<Node>;
}

let waiting: Waiting | null = null;

/** Runs all that waits in one walk, which retains the graph. */
function flush(): void {
  const { roots, gradients } = waiting as Waiting;
  waiting = null;
  postpone(null);
  withoutModes(() => fill(roots, gradients, { retainGraph: true, waited: true }));
}

/** Whether someone could see the pass at work: by a hook, or in a gradient that is there already and would be added to. */
function isWatched(nodes: readonly Node[], roots: readonly Tensor[]): boolean {
  const watched = (leaf: Tensor): boolean => !leaf.meta?.wantsGrad || !!leaf.gathered || !!leaf.meta.hooks || !!leaf.meta.accumulateHooks;
  return (
    isAnomalyEnabled() ||
    roots.some((t) => nodeOf(t) === null && watched(t)) ||
    nodes.some((node) => node.hooks !== null || node.retaining !== null || node.edges.some((e) => e instanceof Tensor && watched(e)))
  );
}

/**
 * Lets a pass that fills every leaf's `.grad` wait, or runs it together with what waits. False where it must run by itself.
 * @throws as the pass itself would; nothing has changed then
 */
export function joins(roots: readonly Tensor[], gradients: readonly Tensor[], retainGraph: boolean): boolean {
  if ((!waiting && !retainGraph) || insidePass()) return false;
  const nodes = survey(roots);
  // One over another graph has nothing to gain, and would only keep what waits from ending.
  const met = waiting?.nodes;
  if (met && !nodes.some((node) => met.has(node))) settle();
  if (!waiting && !retainGraph) return false;
  if (withoutSettling(() => isWatched(nodes, roots))) return false;
  waiting ??= { roots: [], gradients: [], nodes: new Set() };
  waiting.roots.push(...roots);
  waiting.gradients.push(...gradients);
  if (retainGraph) {
    for (const node of nodes) waiting.nodes.add(node);
    postpone(flush);
    return true;
  }
  flush();
  for (const node of nodes) node.free();
  return true;
}
