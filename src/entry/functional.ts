export * from '../api/functional.ts';
