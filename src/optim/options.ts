// Options as the constructors of optimizers and schedulers take them.
import { isPlainObject, type Kind, type Kinds, withDefaults } from '../tensor/check.ts';
import { valueError } from '../tensor/errors.ts';

/** Two numbers. */
export const PAIR: Kind = { what: 'a list of two numbers', test: (v) => Array.isArray(v) && v.length === 2 && v.every((x) => typeof x === 'number') };

/**
 * Options by name, or by position in the table's order, which is PyTorch's; an object of named ones may stand behind those by position. What is
 * neither given nor among the defaults is an error; a default of undefined says that it may be left out.
 */
export function given<O extends object>(op: string, args: readonly unknown[], kinds: Kinds<O>, defaults: Partial<O>): O {
  const last = args[args.length - 1];
  const named = isPlainObject(last);
  const values = named ? args.slice(0, -1) : args;
  const names = Object.keys(kinds);
  if (values.length > names.length)
    throw valueError(op, `takes at most ${names.length} option${names.length === 1 ? '' : 's'}, ${names.join(', ')}, got ${values.length}. Leave the others out.`);
  const options: Record<string, unknown> = named ? { ...last } : {};
  values.forEach((value, i) => {
    const name = names[i] as string;
    if (value === undefined) return;
    if (options[name] !== undefined) throw valueError(op, `got ${name} by position and by name. Give it once.`);
    options[name] = value;
  });
  const complete = withDefaults(op, options as Partial<O>, kinds, defaults as O);
  const missing = names.find((name) => !(name in complete));
  if (missing) throw valueError(op, `${missing} is missing. Pass { ${missing}: … }.`);
  return complete;
}

/** Throws unless the number lies in [low, high). */
export function checkRange(op: string, name: string, value: number, low: number, high = Number.POSITIVE_INFINITY): void {
  if (value >= low && value < high) return;
  throw valueError(op, `${name} must lie in [${low}, ${high === Number.POSITIVE_INFINITY ? '∞' : high}), got ${value}.`);
}

/** The number, if it is whole and large enough. */
export function whole(op: string, name: string, value: number, least = 1): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw valueError(op, `${name} must be a whole number ≥ ${least}, got ${value}.`);
}
