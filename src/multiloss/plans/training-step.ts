// One training step with some of the losses: forward with others frozen, checks, backward, step. Phases and players
// share it.
import { setWantsGrad } from '../../autograd/leaf.ts';
import { FUNCTION, type Kind, valueText } from '../../tensor/check.ts';
import { GradloomError, shapeText, valueError } from '../../tensor/errors.ts';
import { nodeOf, requiresGrad } from '../../tensor/op.ts';
import { refuseWhileRecording } from '../../tensor/recording.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { backward } from '../combining/backward.ts';
import { type MultiBackwardOptions, TENSORS } from '../combining/options.ts';
import type { Method } from '../methods/method.ts';
import type { BackwardReport } from '../combining/report.ts';
import { States, stateIn } from '../state.ts';
import { type Losses, presentOf } from '../strategy.ts';

/** What a plan needs of an optimizer; those of `optim` are. */
export interface Steppable {
  /** Groups of parameters with their learning rates. */
  readonly paramGroups: readonly { readonly params: readonly Tensor[]; lr: number }[];
  /** Clears the gradients. */
  zeroGrad(): void;
  /** Moves the parameters. */
  step(): void;
}

/** Parameters, or modules that have some. */
export type Trainable = Iterable<Tensor | { parameters(): Iterable<Tensor> }>;

/** What one step is made of. */
export interface TrainingStep {
  /** Stands in messages: `phases, phase 'both'`. */
  op: string;
  /** Names of the losses that train; default all that are given. */
  active?: readonly string[];
  /** Names that must be among the losses besides. */
  watched?: readonly string[];
  frozen: readonly Tensor[];
  combine: Method | undefined;
  options: Omit<MultiBackwardOptions, 'combine'> | undefined;
  /** Times every group's learning rate, for this step. */
  lrFactor: number;
  optimizer: Steppable;
  /** Runs before the step, when gradients are whole. */
  beforeStep: (() => void) | undefined;
}

/** What methods remember, by the names of their phases or players. */
export function statesOf(methods: readonly (readonly [name: string, method: Method | undefined])[]): States {
  return new States(Object.fromEntries(methods.flatMap(([name, method]) => (method ? [[name, stateIn(method)]] : []))));
}

/** An optimizer, as far as a plan needs one. */
export const OPTIMIZER: Kind = {
  what: 'an optimizer, such as new optim.Adam(model.parameters())',
  test: (v) => {
    const o = v as Partial<Steppable> | null;
    return typeof o === 'object' && o !== null && Array.isArray(o.paramGroups) && FUNCTION.test(o.zeroGrad) && FUNCTION.test(o.step);
  },
};

/** The leaves in a list of parameters and modules, each once. */
export function leavesIn(op: string, list: Trainable): Tensor[] {
  const leaves = new Set<Tensor>();
  const misfit = (what: unknown): GradloomError => valueError(op, `freeze takes a list of parameters and modules, got ${valueText(what)}.`);
  if (!TENSORS.test(list)) throw misfit(list);
  for (const item of list) {
    if (!(item instanceof Tensor) && !FUNCTION.test((item as { parameters?: unknown } | null)?.parameters)) throw misfit(item);
    const parts = item instanceof Tensor ? [item] : item.parameters();
    for (const t of TENSORS.test(parts) ? parts : [item]) {
      if (!(t instanceof Tensor)) throw misfit(t);
      leaves.add(t);
    }
  }
  for (const t of leaves) {
    if (nodeOf(t)) throw new GradloomError('GRAPH', op, `cannot freeze a non-leaf, ${t.describe()} from ${nodeOf(t)?.op.name}. Name the parameters that it was computed from.`);
  }
  return [...leaves];
}

/** Runs `fn` while the leaves ask for no gradient; afterwards each is as it was, also after an error. */
function whileFrozen<T>(leaves: readonly Tensor[], fn: () => T): T {
  const asked = leaves.filter((t) => t.meta?.wantsGrad);
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

/**
 * The losses that train, checked: there (or given as null), scalars, with a graph, finite. Nothing has been changed
 * when one is not.
 */
function activeOf(step: TrainingStep, given: Losses, values: Readonly<Record<string, number>>): Losses {
  const { op, frozen } = step;
  for (const name of [...(step.active ?? []), ...(step.watched ?? [])]) {
    if (Object.hasOwn(given, name)) continue;
    const names = Object.keys(given).join(', ') || 'no losses at all';
    throw new GradloomError('VALUE', op, `there is no loss '${name}' among ${names}. Return it from the step; as null, where a batch lacks it.`);
  }
  for (const name of step.watched ?? []) {
    const loss = given[name];
    if (loss instanceof Tensor && loss.size !== 1) throw new GradloomError('SHAPE', op, `the loss '${name}' has shape ${shapeText(loss.sizes)}. Reduce it (mean or sum).`);
  }
  const active: Losses = Object.fromEntries((step.active ?? Object.keys(given)).map((name) => [name, given[name]]));
  for (const [name, loss] of Object.entries(active)) {
    if (frozen.length > 0 && loss instanceof Tensor && !requiresGrad(loss) && values[name] !== 0)
      throw new GradloomError('GRAPH', op, `the loss '${name}' reaches no parameter that is not frozen (${frozen.length} are). Freeze fewer, or leave the loss out.`);
  }
  for (const [name] of presentOf(op, active).entries) {
    const value = values[name] as number;
    if (!Number.isFinite(value)) {
      throw new GradloomError(
        'NONFINITE',
        op,
        `the loss '${name}' is ${value}; nothing was stepped. Lower the learning rate, or look for log(0), x/0 or overflow: setDetectAnomaly(true) names the op. To skip such a step, catch this error.`,
      );
    }
  }
  return active;
}

/** Runs the step. On an error before the step no parameter has moved. */
export function runStep(step: TrainingStep, losses: () => Losses): { losses: Record<string, number>; report: BackwardReport } {
  const { op, frozen, options, combine, optimizer } = step;
  refuseWhileRecording(op, 'the course depends on the losses’ values', 'Capture the forward pass alone, or call the plan without capture.');
  return whileFrozen(frozen, () => {
    const given = losses();
    if (typeof given !== 'object' || given === null || given instanceof Tensor)
      throw valueError(op, `the function of the step returns its losses, { name: loss, … }, got ${valueText(given)}.`);
    const values = Object.fromEntries(Object.entries(given).flatMap(([name, t]) => (t instanceof Tensor && t.size === 1 ? [[name, t.item()]] : [])));
    const active = activeOf(step, given, values);
    optimizer.zeroGrad();
    const report = backward(active, { ...options, ...(combine && { combine }) });
    step.beforeStep?.();
    stepBy(optimizer, step.lrFactor);
    return { losses: values, report };
  });
}
