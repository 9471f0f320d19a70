/** Values that parameters start from: PyTorch's `torch.nn.init`. @module */
export * from '../nn/init.ts';
