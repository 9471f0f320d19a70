export * from '../api/multiloss.ts';
