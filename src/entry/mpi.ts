/**
 * `gradloom/mpi`: one training run on several processes and machines, data parallel over MPI. For Node, Deno and Bun; needs `koffi` and Open
 * MPI or MPICH.
 * @module gradloom/mpi
 */
export { type AllReduceOptions, type AverageOptions, type BroadcastOptions, initMpi, type MpiOptions, World } from '../mpi/world.ts';
export type { WorldBackwardOptions } from '../mpi/backward.ts';
