/** Named tensors as bytes: safetensors files, and whole states of a training run in them. @module */
export { loadSafetensors, readMetadata, saveSafetensors } from '../checkpoint/safetensors.ts';
export { load, save } from '../checkpoint/state.ts';
export type { FileHandle, NodeWritable, Source, Target } from '../checkpoint/file.ts';
export { type Parts, type ReadOptions, read, type Stateful, toBytes, write } from '../checkpoint/run.ts';
