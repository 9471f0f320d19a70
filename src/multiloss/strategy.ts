// What a strategy is: it takes the step's losses by name and fills gradients from them. Who clears gradients and who steps is not
// its business.
import { GradloomError, shapeText } from '../tensor/errors.ts';
import { requiresGrad } from '../tensor/op.ts';
import { recording } from '../tensor/recording.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** The losses of one step by name, in order. Each has one element. */
export type Losses<Name extends string = string> = Readonly<Record<Name, Tensor>>;

/** What a strategy did in one step. */
export interface Report<Name extends string = string> {
  /** Which way was taken: a strategy's name, or the loss that trained alone. */
  readonly branch: string;
  /** How much each loss counted; 0 where it was left out. */
  readonly weights: Readonly<Record<Name, number>>;
}

export interface Strategy<Name extends string = string> {
  /** As in reports and tables. */
  readonly name: string;
  /** Runs the backward pass or passes of one step; gradients add to `.grad`. The graph is freed. */
  backward(losses: Losses<Name>): Report<Name>;
  /** What it remembers between steps, as plain data. */
  stateDict(): Record<string, unknown>;
  /** Takes up what `stateDict` gave. */
  loadStateDict(state: Readonly<Record<string, unknown>>): void;
}

/** Names and losses, checked: at least one, each a scalar with a graph. Names a loss in messages after its key. */
export function entriesOf<Name extends string>(strategy: string, losses: Losses<Name>): [Name, Tensor][] {
  const entries = Object.entries(losses) as [Name, Tensor][];
  if (entries.length === 0) throw new GradloomError('VALUE', strategy, 'got no losses. Pass { name: loss, … }.');
  for (const [name, loss] of entries) {
    if (loss.size !== 1) throw new GradloomError('SHAPE', strategy, `the loss '${name}' has shape ${shapeText(loss.shape)}. Reduce it (mean or sum).`);
    if (!requiresGrad(loss)) {
      throw new GradloomError('GRAPH', strategy, `the loss '${name}' does not require a gradient: detach(), item() or noGrad() cut its graph. Compute it from parameters.`);
    }
    if (!loss.label) loss.label = name;
  }
  return entries;
}

/** The first loss that is NaN or infinite, by name: for the warning that a backward pass gives. */
export function nonFinite(entries: readonly (readonly [string, Tensor])[]): string | undefined {
  return recording() ? undefined : entries.find(([, loss]) => !Number.isFinite(loss.item()))?.[0];
}

/** The named loss of a step. */
export function lossOf<Name extends string>(strategy: string, losses: Losses<Name>, name: Name): Tensor {
  const loss = losses[name];
  if (!loss) throw new GradloomError('VALUE', strategy, `there is no loss '${name}' among ${Object.keys(losses).join(', ')}. Name it as in the step.`);
  return loss;
}
