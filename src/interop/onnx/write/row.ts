// What rows of both tables are: how an op, and how a layer is written.
import type { ModuleCall, Value } from '../../graph.ts';
import type { Emitter } from '../emitter.ts';
import type { Size } from '../sizes.ts';

/** A node of the trace: options of both traces in one. */
export interface Traced {
  readonly inputs: readonly Value[];
  readonly output: Value;
  // biome-ignore lint/suspicious/noExplicitAny: each row knows the options of its op
  readonly attrs: any;
  /** What the op is called, for messages. */
  readonly what: string;
}

/** Writes an op; the name of its output. */
export type OpRow = (e: Emitter, x: string[], node: Traced) => string;

/** A call of a layer whose first input is a tensor. */
export interface LayerCall {
  readonly call: ModuleCall;
  /** The first input: its name and shape. */
  readonly x: string;
  readonly shape: readonly Size[];
  /** Shape of the output, if that is one tensor. */
  readonly y: readonly Size[];
  /** Options with which the layer was made. */
  // biome-ignore lint/suspicious/noExplicitAny: each row knows the options of its layer
  readonly set: any;
  /** The name of a parameter or buffer, or null where there is none. */
  readonly state: (field: string) => string | null;
  readonly what: string;
}

/** Writes a layer: the names of its outputs in order, or null. */
export type LayerRow = (e: Emitter, c: LayerCall) => string[] | null;
