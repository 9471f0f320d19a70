// Ops whose value is a formula of other ops, and whose gradient is a rule of its own.
import { type OfOne, ofOne } from '../tensor/check.ts';
import { apply, copyElements, everyInput, type Op } from '../tensor/op.ts';
import { noGrad } from '../tensor/modes.ts';
import type { Node } from '../tensor/tape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { binaryOp } from './binary.ts';
import { asFloat } from './convert.ts';

/** @internal The op: `backward` gives the gradient from dy and the input, or the output where it reads that. Both go element by element. */
export function formulaOp<A>(
  name: string,
  value: (x: Tensor, attrs: A) => Tensor,
  backward: (dy: Tensor, x: Tensor, attrs: A) => Tensor,
  reads: 'input' | 'output' = 'input',
): Op<A> {
  const output = reads === 'output';
  return {
    name,
    forward: (y, [x], attrs) =>
      copyElements(
        noGrad(() => value(x as Tensor, attrs)),
        y,
      ),
    ...(output ? { savesOutput: true } : { saves: everyInput }),
    backward: (dy, node) => [backward(dy, output ? node.output : node.input(0), node.attrs)],
    batched: 'same',
  };
}

/** @internal The op as a function. */
export function formula(name: string, value: (x: Tensor) => Tensor, backward: (dy: Tensor, x: Tensor) => Tensor, reads?: 'input' | 'output'): OfOne {
  const op = formulaOp<void>(name, value, backward, reads);
  return ofOne(name, (x) => apply(op, [asFloat(x)], undefined));
}

/** @internal An op of two inputs that broadcast. */
// @__NO_SIDE_EFFECTS__
export function formulaOfTwo(name: string, value: (a: Tensor, b: Tensor) => Tensor, backward: (dy: Tensor, node: Node<void>) => readonly (Tensor | null)[]): Op<void> {
  return binaryOp(name, {
    forward: (y, [a, b]) =>
      copyElements(
        noGrad(() => value(a as Tensor, b as Tensor)),
        y,
      ),
    saves: everyInput,
    backward,
  });
}
