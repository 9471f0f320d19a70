export * from '../api/nn-utils.ts';
