/** Gradients beyond `tensor.backward()`: PyTorch's `torch.autograd`. @module */
export { type BackwardOptions, backward, type GradientsOf, type GradOptions, grad } from '../autograd/backward.ts';
export * as functional from './autograd-functional.ts';
export { CustomFunction as Function, type FunctionClass, type FunctionContext, type FunctionGradients } from '../autograd/function.ts';
export { type GradcheckOptions, gradcheck, gradgradcheck } from '../autograd/gradcheck.ts';
export type { GraphOptions } from '../autograd/pass.ts';
export { type AnomalyOptions, setDetectAnomaly } from '../autograd/anomaly.ts';
export { gramian, jacobian, type JacobianOptions } from '../autograd/jacobian.ts';
