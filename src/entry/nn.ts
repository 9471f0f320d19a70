export * from '../api/nn.ts';
