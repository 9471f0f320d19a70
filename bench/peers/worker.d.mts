import type { Data } from '../data.ts';
import type { Work } from '../works.ts';

export interface Job {
  readonly checks: readonly number[];
  readonly asynchronous?: boolean;
  run(): unknown;
  close?(): void;
}
/** What the peer was started with. */
export const args: readonly string[];
export class Cannot extends Error {}
export function digest(values: ArrayLike<number>): number[];
export function serve(title: string, prepare: (work: Work, data: Data) => Job | Promise<Job>): Promise<void>;
