export * from '../api/nn-init.ts';
