// What programs see of ONNX, apart from what @bufbuild/protobuf is needed for: so its types are not needed either.
import type { Module } from '../../module/module.ts';
import type { DType } from '../../tensor/dtype.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** What goes into a file's graph or comes out. */
export interface OnnxValue {
  /** Its name in the file. */
  readonly name: string;
  /** Its type here: 64-bit and smaller integers are int32, other floats float32. */
  readonly dtype: DType;
  /** Sizes; a name where any will do, null where nothing is said. Null as a whole where not even the rank is known. */
  readonly shape: readonly (number | string | null)[] | null;
}

/** A module that was read from an ONNX file. Parameters and buffers have the names of the file's initializers. */
export interface OnnxModule extends Module {
  /** What `forward` takes, in order. */
  readonly inputs: readonly OnnxValue[];
  /** What `forward` gives, in order. */
  readonly outputs: readonly OnnxValue[];
  /** The file's metadata. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Computes the output; a list of them where there are several. */
  forward(...inputs: Tensor[]): Tensor | Tensor[];
}

/** Options of `fromOnnx`. */
export interface FromOnnxOptions {
  /** Whether the weights are to be trained, or which of them, by name; default false: all are frozen. */
  trainable?: boolean | ((name: string) => boolean);
}

/** Options of `toOnnx`. */
export interface ToOnnxOptions {
  /** Which dimension of the inputs is the batch and may have any size; default null: all sizes are the example's. */
  batchAxis?: number | null;
  /** Whether layers are written in the mode that they are in (dropout drops, batch norm goes by the batch); default false: as in eval(). */
  training?: boolean;
  /** Names of the inputs, in order; default 'input', or 'input_0' …. */
  inputNames?: readonly string[];
  /** Names of the outputs, in order; default 'output', 'output_0' …, or the keys of an object that forward gives. */
  outputNames?: readonly string[];
  /** Text by text, for whoever reads the file. */
  metadata?: Readonly<Record<string, string>>;
}
