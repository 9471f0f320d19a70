// Ops whose value is computed on the host, element by element, in float64, and rounded once. A captured step repeats them in their place.
import { float32View, int32View } from '../runtime/memory.ts';
import { everyInput, dense, type Op, windowOn } from '../tensor/op.ts';
import { hostStep } from '../tensor/recording.ts';
import { broadcastStrides } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { binaryOp } from './binary.ts';

/** @internal y = f(x). `backward` gives the gradient from dy and the input. */
// @__NO_SIDE_EFFECTS__
export function hostOp<A>(name: string, f: (x: number, attrs: A) => number, backward: (dy: Tensor, x: Tensor, attrs: A) => Tensor): Op<A> {
  return {
    name,
    forward: (y, [x], attrs) => {
      const { size } = y;
      hostStep([x as Tensor, y], ([from, to]) => {
        const memory = float32View();
        const [a, b] = [(from as number) / 4, (to as number) / 4];
        for (let i = 0; i < size; i++) memory[b + i] = f(memory[a + i] as number, attrs);
      });
    },
    saves: everyInput,
    backward: (dy, node) => [backward(dy, node.input(0), node.attrs)],
    batched: 'same',
  };
}

/** @internal y = f(a, b), broadcast; of whole numbers by `ofInts`, default the same function. What `f` throws ends the call before anything is written. */
// @__NO_SIDE_EFFECTS__
export function hostBinaryOp(name: string, f: (a: number, b: number) => number, rest: Partial<Op<void>> = {}, ofInts = f): Op<void> {
  return binaryOp(name, {
    forward: (y, inputs) => {
      const { size, sizes } = y;
      const [a, b] = inputs.map((x) => dense(windowOn(x, { shape: sizes, strides: broadcastStrides(x.sizes, x.steps, sizes), offset: x.offset }))) as [Tensor, Tensor];
      const floats = a.dtype === 'float32';
      hostStep([a, b, y], (addresses) => {
        const memory = floats ? float32View() : int32View();
        const [p, q, to] = addresses.map((address) => address / 4) as [number, number, number];
        const rule = floats ? f : ofInts;
        for (let i = 0; i < size; i++) memory[to + i] = rule(memory[p + i] as number, memory[q + i] as number);
      });
    },
    ...rest,
  });
}
