/** What a run gives: hash of the final weights, milliseconds to the end of the first step, bytes of wasm memory. */
export interface Smoke {
  hash: string;
  firstStepMs: number;
  reserved: number;
}
export const HASH: string;
export function smoke(gradloom: typeof import('gradloom')): Smoke;
