// Where elements are not 0: shapes that depend on what tensors hold, which a captured step has no place for.
import { viewOf } from '../tensor/dtype.ts';
import { dense } from '../tensor/op.ts';
import { refuseWhileRecording } from '../tensor/recording.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';

/** @internal Throws inside `capture`: the result's shape depends on data. */
export function refuseDataShape(op: string, remedy = 'Call it outside, or work on all elements and a mask: where, maskedFill.'): void {
  refuseWhileRecording(op, 'the shape of its result depends on what the tensor holds', remedy);
}

/** @internal Places of the elements that are not 0 in row-major order: int32 [k]. */
export function placesOf(op: string, x: Tensor): Tensor {
  refuseDataShape(op);
  const list = dense(x);
  const found: number[] = [];
  const memory = viewOf(x.dtype);
  for (let i = 0, at = list.address / 4; i < x.size; i++) if (memory[at + i] !== 0) found.push(i);
  const y = empty([found.length], 'int32');
  viewOf('int32').set(found, y.address / 4);
  return y;
}
