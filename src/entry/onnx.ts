// ONNX for gradloom/interop, loaded at the first call, so that @bufbuild/protobuf is needed only by who calls it.
import type { FromOnnxOptions, OnnxModule, ToOnnxOptions } from '../interop/onnx/types.ts';
import type { Module } from '../module/module.ts';
import { GradloomError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';

async function load(op: string): Promise<typeof import('../interop/onnx/onnx.ts')> {
  try {
    return await import('../interop/onnx/onnx.ts');
  } catch (cause) {
    throw new GradloomError('RUNTIME', op, `could not load its part for ONNX: ${(cause as Error).message}. Install what it needs: npm install @bufbuild/protobuf`, { cause });
  }
}

/**
 * A model as the bytes of an ONNX file, opset 18: what forward does with the example (a tensor, or a list of what forward takes). Weights have the
 * names of the state dict. In eval mode unless `training`; the model itself is left as it was. Needs the package @bufbuild/protobuf.
 *
 * @example
 * const model = new nn.Sequential(new nn.Conv2d(1, 8, 3), new nn.ReLU(), new nn.Flatten());
 * writeFileSync('model.onnx', await toOnnx(model, randn([1, 1, 28, 28]), { batchAxis: 0 }));
 *
 * @throws VALUE naming the layers and ops that have no operator; CAPTURE where forward reads values; RUNTIME without @bufbuild/protobuf
 */
export async function toOnnx(model: Module, example: Tensor | readonly unknown[], options?: ToOnnxOptions): Promise<Uint8Array<ArrayBuffer>> {
  const onnx = await load('toOnnx');
  return onnx.toOnnx(model, example, options);
}

/**
 * A module from an ONNX file, opset 11 to 28, frozen unless `trainable`. Parameters have the names of the file's initializers. Its `forward` takes
 * tensors in the order of the file's inputs and gives a tensor, or a list where there are several outputs. Needs the package @bufbuild/protobuf.
 *
 * @example
 * const features = await fromOnnx(readFileSync('resnet.onnx'));
 * const head = new nn.Linear(512, 10); // trained on head.forward(features.forward(x)); the features stay
 *
 * @throws FORMAT where the bytes are no whole ONNX file; VALUE naming each node whose operator is not offered; RUNTIME without @bufbuild/protobuf
 */
export async function fromOnnx(bytes: Uint8Array | ArrayBuffer, options?: FromOnnxOptions): Promise<OnnxModule> {
  const onnx = await load('fromOnnx');
  return onnx.fromOnnx(bytes, options);
}
