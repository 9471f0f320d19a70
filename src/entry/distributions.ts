export * from '../api/distributions.ts';
