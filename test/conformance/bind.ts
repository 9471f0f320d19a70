// Arguments meet parameters: a case calls by position or by PyTorch's keywords, our functions take positions and an options object.
import { Unsupported } from './decode.ts';

/**
 * PyTorch's parameters, and what to call with them. The signature lists PyTorch's names in their order; those behind `*` are gathered
 * into one options object under our names (`weight_decay` → `weightDecay`). A parameter that is not listed is not offered. For modules, `forward` is
 * the same for what their forward takes, where that is more than an input and a target.
 */
export type Row<Result = unknown> = readonly [signature: string, run: (...args: never[]) => Result, forward?: string];

/** Options that choose how PyTorch computes, not what: their default is what we do. */
const NEUTRAL: Readonly<Record<string, unknown>> = { inplace: false, foreach: false, fused: false, capturable: false, differentiable: false, device: 'cpu' };

export function camelCase(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** Calls a row's function with a case's arguments. None counts as left out, as in PyTorch. */
export function call<Result>([signature, run]: Row<Result>, args: readonly unknown[], kwargs: Readonly<Record<string, unknown>>): Result {
  const words = signature.split(' ').filter((w) => w !== '');
  const star = words.indexOf('*');
  const names = words.filter((w) => w !== '*');
  if (args.length > names.length) throw new Unsupported(`more than ${names.length} arguments`);
  const values = new Map(args.map((value, i) => [names[i], value]));
  for (const [name, value] of Object.entries(kwargs)) {
    if (names.includes(name)) values.set(name, value);
    else if (value !== null && NEUTRAL[name] !== value) throw new Unsupported(`option ${name}`);
  }
  const given = (name: string): unknown => values.get(name) ?? undefined;
  if (star < 0) return invoke(run, names.map(given));
  const options = names.slice(star).filter((name) => given(name) !== undefined);
  return invoke(run, [...names.slice(0, star).map(given), Object.fromEntries(options.map((name) => [camelCase(name), given(name)]))]);
}

/** A row's function says itself what it takes; that the signature gives it so is what running the cases shows. */
function invoke<Result>(run: (...args: never[]) => Result, args: readonly unknown[]): Result {
  return (run as (...args: readonly unknown[]) => Result)(...args);
}
