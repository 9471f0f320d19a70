export * from '../api/optim.ts';
