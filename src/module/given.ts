// Parameters as programs hand them over.
import { valueText } from '../tensor/check.ts';
import { GradloomError } from '../tensor/errors.ts';
import { Tensor } from '../tensor/tensor.ts';
import { Module } from './module.ts';

/** What stands for parameters: one, a list of them, one with names, or the module whose they are. */
export type ParametersGiven = Tensor | Module | Iterable<Tensor> | Iterable<readonly [name: string, parameter: Tensor]>;

/** @internal The parameters as a list. */
export function parametersOf(op: string, given: ParametersGiven): Tensor[] {
  if (given instanceof Tensor) return [given];
  if (given instanceof Module) return given.parameters();
  const refuse = (value: unknown): GradloomError =>
    new GradloomError('DTYPE', op, `parameters are tensors, got ${valueText(value)}. Pass model.parameters(), model.namedParameters() or the model.`);
  if (typeof given !== 'object' || given === null || typeof given[Symbol.iterator] !== 'function') throw refuse(given);
  return Array.from(given as Iterable<unknown>, (item) => {
    const p = Array.isArray(item) && item.length === 2 && typeof item[0] === 'string' ? item[1] : item;
    if (p instanceof Tensor) return p;
    throw refuse(item);
  });
}
