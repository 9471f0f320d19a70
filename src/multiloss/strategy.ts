// What a strategy is: it takes the step's losses by name and fills gradients from them. Who clears gradients and who
// steps is not its business.
import { isPlainObject, valueText } from '../tensor/check.ts';
import { GradloomError, shapeText } from '../tensor/errors.ts';
import { requiresGrad } from '../tensor/op.ts';
import { recording } from '../tensor/recording.ts';
import { Tensor } from '../tensor/tensor.ts';

/** The losses of one step by name. Each has one element; null, undefined or 0 means that the step lacks it. */
export type Losses<Name extends string = string> = { readonly [K in Name]?: Tensor | null | 0 | undefined };

/** What a strategy did in one step. */
export interface Report<Name extends string = string> {
  /** Which way was taken: a strategy's name, or the loss that trained alone. */
  readonly branch: string;
  /** How much each loss counted; 0 where it was left out. */
  readonly weights: Readonly<Record<Name, number>>;
}

/** How one step trains: it takes the losses by name and fills gradients. */
export interface Strategy<Name extends string = string> {
  /** As in reports and tables. */
  readonly name: string;
  /** Runs the backward pass or passes of one step; gradients add to `.grad`. The graph is freed. */
  backward(losses: Losses<Name>): Report<Name>;
  /** What it remembers between steps, as plain data; left out, with the next one, where it remembers nothing. */
  stateDict?(): Record<string, unknown>;
  /** Takes up what `stateDict` gave. */
  loadStateDict?(state: Readonly<Record<string, unknown>>): void;
}

/**
 * Names and losses, checked: at least one, each a scalar with a graph; and the names of losses that the step lacks,
 * given as null, undefined or a constant 0. Names a loss in messages after its key.
 */
export function presentOf<Name extends string>(strategy: string, losses: Losses<Name>): { entries: [Name, Tensor][]; absent: Name[] } {
  if (!isPlainObject(losses) && !Array.isArray(losses)) throw new GradloomError('VALUE', strategy, `losses are an object { name: loss, … }, got ${valueText(losses)}.`);
  const entries: [Name, Tensor][] = [];
  const absent: Name[] = [];
  for (const name of Object.keys(losses) as Name[]) {
    const loss: unknown = (losses as Losses<Name>)[name];
    if (loss === undefined || loss === null || loss === 0) absent.push(name);
    else if (!(loss instanceof Tensor)) {
      throw new GradloomError(
        'DTYPE',
        strategy,
        `the loss '${name}' must be a scalar tensor, got ${valueText(loss)}. Compute it from parameters. Where a batch lacks it, give it as null.`,
      );
    } else if (loss.size !== 1) throw new GradloomError('SHAPE', strategy, `the loss '${name}' has shape ${shapeText(loss.sizes)}. Reduce it (mean or sum).`);
    else if (requiresGrad(loss)) {
      if (!loss.label) loss.label = name;
      entries.push([name, loss]);
    } else if (!recording() && loss.item() === 0) absent.push(name);
    else throw new GradloomError('GRAPH', strategy, `the loss '${name}' does not require a gradient: detach(), item() or noGrad() cut its graph. Compute it from parameters.`);
  }
  if (entries.length === 0)
    throw new GradloomError('VALUE', strategy, absent.length > 0 ? `every loss is absent (${absent.join(', ')}). Skip the step.` : 'got no losses. Pass { name: loss, … }.');
  return { entries, absent };
}

/** The losses that the step has, by name, checked. */
export function entriesOf<Name extends string>(strategy: string, losses: Losses<Name>): [Name, Tensor][] {
  return presentOf(strategy, losses).entries;
}

/** The first loss that is NaN or infinite, by name: for the warning that a backward pass gives. */
export function nonFinite(entries: readonly (readonly [string, Tensor])[]): string | undefined {
  return recording() ? undefined : entries.find(([, loss]) => !Number.isFinite(loss.item()))?.[0];
}

/** The named loss of a step. */
export function lossOf<Name extends string>(strategy: string, losses: Losses<Name>, name: Name): Tensor {
  const loss = Object.hasOwn(losses, name) ? losses[name] : null;
  if (!loss) throw new GradloomError('VALUE', strategy, `there is no loss '${name}' among ${Object.keys(losses).join(', ')}. Name it as in the step.`);
  return loss;
}
