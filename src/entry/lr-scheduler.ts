export * from '../api/lr-scheduler.ts';
