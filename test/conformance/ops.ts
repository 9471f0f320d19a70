// One case of an operator: values forward, gradients backward.
import { autograd, Tensor } from 'gradloom';
import { call, type Row } from './bind.ts';
import { compareGradients, compareTensors, Mismatch, TOLERANCES } from './compare.ts';
import { decode, decodeRecord, decodeTensor, type EncodedTensor, isEncodedTensor, tensorsIn } from './decode.ts';

/** What cases of operators and modules share: a call, its outputs, and the gradients that go back through it. */
export interface CallCase {
  args: unknown[];
  kwargs: Record<string, unknown>;
  out: unknown;
  /** One per output tensor, null where it has no gradient. Left out where no output has one. */
  cotangents?: (EncodedTensor | null)[];
  /** One per input that requires a gradient. */
  grads?: (EncodedTensor | null)[];
}

const isTensor = (value: unknown): value is Tensor => value instanceof Tensor;

/** Calls, compares every output, runs backward and compares every input's gradient. Returns the largest error in units of the tolerance. */
export function runCall(row: Row, { args, kwargs, out, cotangents = [], grads = [] }: CallCase): number {
  const leaves: Tensor[] = [];
  const positional = args.map((v) => decode(v, leaves));
  const named = decodeRecord(kwargs, leaves);
  const outputs = tensorsIn(call(row, positional, named), isTensor);
  const expected = tensorsIn(out, isEncodedTensor);
  if (outputs.length !== expected.length) throw new Mismatch(`${outputs.length} outputs, expected ${expected.length}`);
  const errors = expected.map((e, i) => compareTensors(`output ${i}`, outputs[i] as Tensor, e, TOLERANCES.call));

  // An output that our graph does not reach is left to the comparison below, which then misses the gradient by name.
  const roots = outputs.flatMap((y, i) => (cotangents[i] && y.requiresGrad ? [{ y, gradient: decodeTensor(cotangents[i]) }] : []));
  if (roots.length > 0) {
    autograd.backward(
      roots.map(({ y }) => y),
      { gradient: roots.map(({ gradient }) => gradient) },
    );
  }
  return Math.max(0, ...errors, ...grads.map((g, i) => compareLeaf(`gradient ${i}`, leaves[i], g)));
}

function compareLeaf(what: string, leaf: Tensor | undefined, expected: EncodedTensor | null): number {
  if (!leaf) throw new Mismatch(`${what} belongs to no input: the case lists more gradients than inputs`);
  return compareGradients(what, leaf.grad, expected, leaf.size);
}
