export * from '../api/linalg.ts';
