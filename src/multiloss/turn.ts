// One turn of training with some of the losses: forward with others frozen, checks, backward, step. Phases and players share it.
import { setWantsGrad } from '../autograd/leaf.ts';
import { GradloomError, shapeText } from '../tensor/errors.ts';
import { nodeOf, requiresGrad } from '../tensor/op.ts';
import { refuseWhileRecording } from '../tensor/recording.ts';
import { Tensor } from '../tensor/tensor.ts';
import { backward } from './backward.ts';
import type { MultiBackwardOptions } from './options.ts';
import type { Method } from './method.ts';
import type { BackwardReport } from './report.ts';
import { entriesOf } from './strategy.ts';

/** What a turn needs of an optimizer; those of `optim` are. */
export interface Steppable {
  readonly paramGroups: readonly { readonly params: readonly Tensor[]; lr: number }[];
  zeroGrad(): void;
  step(): void;
}

/** Parameters, or modules that have some. */
export type Trainable = Iterable<Tensor | { parameters(): Iterable<Tensor> }>;

/** One turn. */
export interface Turn {
  /** Stands in messages: `phases, phase 'both'`. */
  op: string;
  /** Names of the losses that train; all that are given unless said. */
  active?: readonly string[];
  /** Names that must be among the losses besides. */
  watched?: readonly string[];
  frozen: readonly Tensor[];
  combine: Method | undefined;
  options: Omit<MultiBackwardOptions, 'combine'> | undefined;
  /** Times every group's learning rate, for this turn. */
  lrFactor: number;
  optimizer: Steppable;
  /** Runs before the step, when gradients are whole. */
  beforeStep: (() => void) | undefined;
}

/** The leaves in a list of parameters and modules, each once. */
export function leavesIn(op: string, list: Trainable): Tensor[] {
  const leaves = new Set<Tensor>();
  for (const item of list) for (const t of item instanceof Tensor ? [item] : item.parameters()) leaves.add(t);
  for (const t of leaves) {
    if (nodeOf(t)) throw new GradloomError('GRAPH', op, `cannot freeze a non-leaf, ${t.describe()} from ${nodeOf(t)?.op.name}. Name the parameters that it was computed from.`);
  }
  return [...leaves];
}

/** Runs `fn` while the leaves ask for no gradient; afterwards each is as it was, also after an error. */
function whileFrozen<T>(leaves: readonly Tensor[], fn: () => T): T {
  const asked = leaves.filter((t) => t.wantsGrad);
  for (const t of asked) setWantsGrad(t, false);
  try {
    return fn();
  } finally {
    for (const t of asked) setWantsGrad(t, true);
  }
}

/** The optimizer's step with learning rates times `factor`; afterwards they are as they were. */
function stepBy(optimizer: Steppable, factor: number): void {
  const rates = optimizer.paramGroups.map((g) => g.lr);
  try {
    for (const g of optimizer.paramGroups) g.lr *= factor;
    optimizer.step();
  } finally {
    optimizer.paramGroups.forEach((g, i) => {
      g.lr = rates[i] as number;
    });
  }
}

/** The losses that train, checked: there, scalars, with a graph, finite. Nothing has been changed when one is not. */
function activeOf(turn: Turn, given: Readonly<Record<string, Tensor | undefined>>, values: Readonly<Record<string, number>>): Record<string, Tensor> {
  const { op, frozen } = turn;
  for (const name of [...(turn.active ?? []), ...(turn.watched ?? [])]) {
    if (!given[name]) throw new GradloomError('VALUE', op, `there is no loss '${name}' among ${Object.keys(given).join(', ') || 'no losses at all'}. Return it from the step.`);
  }
  for (const name of turn.watched ?? []) {
    if (values[name] === undefined) throw new GradloomError('SHAPE', op, `the loss '${name}' has shape ${shapeText((given[name] as Tensor).shape)}. Reduce it (mean or sum).`);
  }
  const active = Object.fromEntries((turn.active ?? Object.keys(given)).map((name) => [name, given[name] as Tensor]));
  for (const [name, loss] of Object.entries(active)) {
    if (frozen.length > 0 && !requiresGrad(loss))
      throw new GradloomError('GRAPH', op, `the loss '${name}' reaches no parameter that is not frozen (${frozen.length} are). Freeze fewer, or leave the loss out.`);
  }
  entriesOf(op, active);
  for (const name of Object.keys(active)) {
    const value = values[name] as number;
    if (!Number.isFinite(value)) {
      throw new GradloomError(
        'NONFINITE',
        op,
        `the loss '${name}' is ${value}; nothing was stepped. Lower the learning rate, or look for log(0), x/0 or overflow (setDetectAnomaly(true) names the op). To skip such a step, catch this error.`,
      );
    }
  }
  return active;
}

/** Takes the turn. On an error before the step no parameter has moved. */
export function takeTurn(turn: Turn, losses: () => Readonly<Record<string, Tensor | undefined>>): { losses: Record<string, number>; report: BackwardReport } {
  refuseWhileRecording(turn.op, 'the course depends on the losses’ values', 'Capture the forward pass alone, or call the plan without capture.');
  return whileFrozen(turn.frozen, () => {
    const given = losses();
    const values = Object.fromEntries(Object.entries(given).flatMap(([name, t]) => (t?.size === 1 ? [[name, t.item()]] : [])));
    const active = activeOf(turn, given, values);
    turn.optimizer.zeroGrad();
    const report = backward(active, { ...turn.options, ...(turn.combine && { combine: turn.combine }) });
    turn.beforeStep?.();
    stepBy(turn.optimizer, turn.lrFactor);
    return { losses: values, report };
  });
}
