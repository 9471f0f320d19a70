/** Named tensors as bytes: safetensors files, and whole states of a training run in them. @module */
export { loadSafetensors, readMetadata, saveSafetensors } from '../checkpoint/safetensors.ts';
export { load, save } from '../checkpoint/state.ts';
