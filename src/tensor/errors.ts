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
  | 'MEMORY'; // out of memory

/** The one error class of this library. `message` reads `op: what, with which values. Remedy.` */
export class GradloomError extends Error {
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

/** A value as it stands in messages: short, whatever it is. */
export function valueText(value: unknown): string {
  if (typeof value === 'string') return value.length > 40 ? `'${value.slice(0, 40)}…'` : `'${value}'`;
  if (typeof value === 'function') return value.name ? `the function ${value.name}` : 'a function';
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return value.length > 8 ? `a list of ${value.length}` : `[${Array.from(value, (v) => (Array.isArray(v) ? 'a list' : valueText(v))).join(', ')}]`;
  const { describe } = value as { describe?: () => string };
  if (typeof describe === 'function') return `a tensor ${describe.call(value)}`;
  const name = (value.constructor as { name?: string } | undefined)?.name;
  return name && name !== 'Object' ? `an object of ${name}` : `an object { ${Object.keys(value).slice(0, 6).join(', ')} }`;
}

/** `[2, 3]`: how shapes stand in messages. */
export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

/** Sizes that do not fit: the shapes in question and what to do. */
export function shapeError(op: string, what: string, shapes: readonly (readonly number[])[], remedy: string): GradloomError {
  return new GradloomError('SHAPE', op, `${what}: ${shapes.map(shapeText).join(' × ')}. ${remedy}`);
}

/** An option outside its range. */
export function valueError(op: string, message: string): GradloomError {
  return new GradloomError('VALUE', op, message);
}

const warned = new Set<string>();

/** Says a thing once per process. */
export function warnOnce(key: string, message: string): void {
  if (warned.has(key)) return;
  warned.add(key);
  console.warn(`gradloom: ${message}`);
}
