/**
 * `gradloom/report`: a page of what a monitor saw. Needs no wasm.
 * @module gradloom/report
 */
export * from '../report/main.ts';
