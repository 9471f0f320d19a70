/**
 * `gradloom/interop`: models out to PyTorch and back.
 * @module gradloom/interop
 */
export { loadOptimizer, type OptimizerFileOptions, saveOptimizer } from '../interop/optimizers.ts';
export { type Files, type FromPyTorchOptions, fromPyTorch, type ToPyTorchOptions, toPyTorch } from '../interop/topytorch.ts';
