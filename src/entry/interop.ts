/**
 * `gradloom/interop`: models out to PyTorch and back, and as ONNX files.
 * @module gradloom/interop
 */
export { loadOptimizer, type AnyOptimizer, type OptimizerFileOptions, saveOptimizer, type Scheduler } from '../interop/optimizers.ts';
export { type Files, type FromPyTorchOptions, fromPyTorch, type ToPyTorchOptions, toPyTorch } from '../interop/topytorch.ts';
export type { FromOnnxOptions, OnnxModule, OnnxValue, ToOnnxOptions } from '../interop/onnx/types.ts';
export { fromOnnx, toOnnx } from './onnx.ts';
