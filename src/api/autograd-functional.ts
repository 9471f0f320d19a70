/** Derivatives of functions, returned: PyTorch's `torch.autograd.functional`. @module */
export { type Differentiable, type FunctionalOptions, hessian, hvp, jacobian, jvp, type Like, type Tensors, vhp, vjp } from '../autograd/functional.ts';
