export * from '../api/swa-utils.ts';
