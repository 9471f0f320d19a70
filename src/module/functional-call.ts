// A module's forward on tensors in the place of its parameters and buffers: torch.func.functional_call.
import { assertTensor, FLAG, type Kinds, nearest, optionsOf, valueText, isPlainObject } from '../tensor/check.ts';
import { GradloomError } from '../tensor/errors.ts';
import { assertAlive, Tensor } from '../tensor/tensor.ts';
import { FIELDS, fieldName, PUT } from './fields.ts';
import { Module } from './module.ts';
import { ownSpelling } from './state.ts';

/** Options of `functionalCall`. */
export interface FunctionalCallOptions {
  /** Whether a tensor that stands under several names is replaced under all of them where one is given; default true. */
  tieWeights?: boolean;
  /** Whether every parameter and buffer must be given; default false. */
  strict?: boolean;
}

const OPTIONS: Kinds<FunctionalCallOptions> = { tieWeights: FLAG, strict: FLAG };

interface Place {
  readonly owner: Module;
  readonly path: string;
  readonly held: Tensor;
}

/** Where every parameter and buffer lies, by its full name. */
function placesOf(module: Module): Map<string, Place> {
  const places = new Map<string, Place>();
  for (const [prefix, owner] of module.namedModules())
    for (const [path, held] of owner[FIELDS]().own) if (held instanceof Tensor) places.set(prefix ? `${prefix}.${path}` : path, { owner, path, held });
  return places;
}

/** Puts a tensor where another is, along a path through fields, lists, plain objects, Maps and Sets. False where it is not there. */
function put(holder: object, path: string, from: Tensor, to: Tensor): boolean {
  const slots: [key: string, value: unknown, set: (t: Tensor) => void][] =
    holder instanceof Map
      ? [...holder].map(([key, value]) => [`${key}`, value, (t) => holder.set(key, t)])
      : holder instanceof Set
        ? [...holder].map((value, i) => [`${i}`, value, (t) => refill(holder, i, t)])
        : Object.keys(holder).map((key) => [key, (holder as Record<string, unknown>)[key], (t) => Reflect.set(holder, key, t)]);
  for (const [key, value, set] of slots) {
    if ((key === path || fieldName(key) === path) && value === from) {
      set(to);
      return true;
    }
    const inner = typeof value === 'object' && value !== null && !(value instanceof Tensor) && !(value instanceof Module);
    if (inner && path.startsWith(`${key}.`) && put(value, path.slice(key.length + 1), from, to)) return true;
  }
  return false;
}

function refill(set: Set<unknown>, at: number, t: Tensor): void {
  const items = [...set];
  items[at] = t;
  set.clear();
  for (const item of items) set.add(item);
}

/** The given tensors by the module's own names. */
function namedBy(given: Readonly<Record<string, Tensor>> | readonly Readonly<Record<string, Tensor>>[], places: ReadonlyMap<string, Place>): Map<string, Tensor> {
  const op = 'functionalCall';
  const spelled = new Map([...places.keys()].map((name) => [ownSpelling(name), name]));
  const named = new Map<string, Tensor>();
  for (const record of Array.isArray(given) ? given : [given]) {
    if (!isPlainObject(record))
      throw new GradloomError('VALUE', op, `parameters are an object of tensors by name, or a list of such, got ${valueText(record)}. Pass { weight: … }.`);
    for (const [key, value] of Object.entries(record)) {
      assertTensor(op, value, key);
      assertAlive(value, op);
      const name = places.has(key) ? key : spelled.get(ownSpelling(key));
      if (name === undefined) {
        const meant = nearest(key, [...places.keys()]);
        throw new GradloomError('STATE', op, `the module has no parameter or buffer '${key}'.${meant ? ` Did you mean '${meant}'?` : ' Take the names of namedParameters().'}`);
      }
      if (named.has(name)) throw new GradloomError('STATE', op, `'${name}' is given twice. Leave one out.`);
      named.set(name, value);
    }
  }
  return named;
}

/**
 * Calls the module's forward with tensors in the place of its parameters and buffers, which gradients flow to; those that are not given stay. What
 * the module holds is as before when it returns. (`torch.func.functional_call`)
 *
 * @param parameters tensors by name, or a list of such objects (parameters, buffers)
 * @param args what forward gets: a list of its arguments, or a single one
 * @throws STATE for names that the module does not have, and with `strict` for those that are not given
 * @example
 * const loss = (weight: Tensor) => functionalCall(model, { weight }, x).square().mean();
 * const [value, product] = autograd.functional.hvp(loss, model.weight, direction);
 */
export function functionalCall<M extends Module>(
  module: M,
  parameters: Readonly<Record<string, Tensor>> | readonly Readonly<Record<string, Tensor>>[],
  args: Parameters<M['forward']> | Parameters<M['forward']>[0],
  options?: FunctionalCallOptions,
): ReturnType<M['forward']> {
  const op = 'functionalCall';
  if (!(module instanceof Module)) throw new GradloomError('VALUE', op, `takes a module first, got ${valueText(module)}.`);
  const { tieWeights = true, strict = false } = optionsOf(op, options, OPTIONS, arguments.length, 4);
  const places = placesOf(module);
  const named = namedBy(parameters, places);
  const missing = [...places.keys()].filter((name) => !named.has(name));
  if (strict && missing.length > 0) throw new GradloomError('STATE', op, `${missing.join(', ')} not given. Give all, or leave out strict.`);
  const instead = new Map([...named].map(([name, t]) => [(places.get(name) as Place).held, t]));
  const swaps = [...places].flatMap(([name, place]) => {
    const to = named.get(name) ?? (tieWeights ? instead.get(place.held) : undefined);
    return to ? [{ ...place, to }] : [];
  });
  const swap = (owner: Module, path: string, from: Tensor, to: Tensor): void => {
    if (!(owner as Module & { [PUT]?: (path: string, to: Tensor) => boolean })[PUT]?.(path, to)) put(owner, path, from, to);
  };
  const done: typeof swaps = [];
  try {
    for (const s of swaps) {
      swap(s.owner, s.path, s.held, s.to);
      done.push(s);
    }
    const list = (Array.isArray(args) ? args : [args]) as never[];
    return module.forward(...list) as ReturnType<M['forward']>;
  } finally {
    for (const { owner, path, held, to } of done.reverse()) swap(owner, path, to, held);
  }
}
