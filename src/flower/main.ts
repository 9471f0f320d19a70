// gradloom/flower: the public names.
export { type Answer, type ClientApp, type ClientAppOptions, clientApp, type Handler, modelHash, type Task } from './app.ts';
export { arraysOf, loadArrays, type ModelLike, stackRows, type TensorLike } from './arrays.ts';
export { publicKeyOf } from './identity.ts';
export { type NodeEvent, runSuperNode, type SuperNodeOptions } from './node.ts';
export type { NdArray, NdData, NdType } from './npy.ts';
export type { Arrays, Config, ConfigValue, Metric, Metrics, Records } from './records.ts';
export { fileStore, indexedDBStore, memoryStore, type Store } from './stores.ts';
