// Every error has three parts: what, with which shapes or values, and the remedy.

/** What kind of mistake it was; stable, for programs to test. */
export type ErrorCode =
  | 'SHAPE' // sizes that do not fit together
  | 'DTYPE' // an element type that the function does not take
  | 'DIM' // a dimension that the tensor does not have
  | 'INDEX' // an index or a class outside its range
  | 'VALUE' // an option or argument outside what is allowed
  | 'GRAPH' // backward without a graph, or through one already freed
  | 'VERSION' // a value that backward needs was changed in place
  | 'INPLACE' // an in-place write that autograd cannot follow
  | 'SCOPE' // a tensor used after its scope ended
  | 'STATE' // a state dict that does not fit
  | 'FORMAT' // bytes that are not what they should be
  | 'NONFINITE' // NaN or infinity where it was asked to be refused
  | 'CAPTURE' // something in a captured step that cannot be replayed
  | 'MEMORY' // out of memory
  | 'RUNTIME' // the runtime lacks or refuses what is needed, or the wasm or a thread could not be loaded
  | 'REMOTE' // a server that refuses, or is not one that is known
  | 'WORKER'; // a worker that failed, ended or was asked too late, or a value that cannot be sent

/** The one error class of this library. `message` reads `op: what, with which values. Remedy.` */
export class GradloomError extends Error {
  /** What tells it from other errors. */
  override readonly name = 'GradloomError';
  /** The kind of mistake. */
  readonly code: ErrorCode;
  /** The function that refused. */
  readonly op: string;

  constructor(code: ErrorCode, op: string, message: string, options?: ErrorOptions) {
    super(`${op}: ${message}`, options);
    this.code = code;
    this.op = op;
  }
}
