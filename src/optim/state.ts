// A saved optimizer, looked through before anything of it is taken over. Names may be PyTorch's.
import { nests } from '../module/state.ts';
import { copy_ } from '../ops/inplace.ts';
import { isPlainObject, NUMBER, valueText } from '../tensor/check.ts';
import { viewOf } from '../tensor/dtype.ts';
import { GradloomError, shapeText } from '../tensor/errors.ts';
import { sameShape, type Shape } from '../tensor/shape.ts';
import { noGrad } from '../tensor/modes.ts';
import { empty, type NestedArray, Tensor } from '../tensor/tensor.ts';

/** Named tensors of one parameter. */
export type ParamState = Record<string, Tensor>;

/**
 * What a state tensor is: a count of steps or another number, of rank 0; or of the parameter's shape, which may be absent where optional; or of the
 * shape that a function gives for the parameter's, which has none where that is null.
 */
export type Moment = 'count' | 'number' | 'like' | 'optional' | ((shape: Shape) => Shape | null);

/** What is copied into a state tensor: a tensor, or numbers nested as its shape is. */
type Source = Tensor | NestedArray;

/** The state of a parameter, as it will be copied. */
type Found = readonly [p: Tensor, moments: readonly (readonly [name: string, source: Source, shape: Shape])[]];

/** PyTorch's book-keeping in groups, which says how it computes, not what. */
const BOOKKEEPING = ['params', 'paramNames', 'foreach', 'capturable', 'differentiable', 'fused'];

/** The largest count that float32 steps on from by one. */
const MOST_STEPS = 2 ** 24;

/** An object with PyTorch's names (`exp_avg_sq`, `_last_lr`) in ours. */
export function camelKeys(object: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).map(([key, v]) => [key.replace(/^_/, '').replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()), v]));
}

/** Whether it is a float32 tensor, or nested numbers, of this shape. */
function fits(value: unknown, shape: Shape): value is Source {
  if (value instanceof Tensor) return value.dtype === 'float32' && value.storage.address !== 0 && sameShape(value.sizes, shape);
  return nests(value, shape, NUMBER.test);
}

/**
 * Options of each group and moments of each parameter that a state holds. `check` looks at a group with its new options.
 * @throws STATE that says what does not fit; nothing was changed
 */
export function readState<G extends { params: Tensor[] }>(
  op: string,
  saved: unknown,
  groups: readonly G[],
  rule: { readonly kinds: object; readonly moments: Readonly<Record<string, Moment>>; readonly decoupled?: boolean },
  check: (group: G) => void,
): { options: Record<string, unknown>[]; moments: Found[] } {
  const fail = (why: string): never => {
    throw new GradloomError('STATE', op, `${why} Pass what stateDict gave.`);
  };
  const refuse = (what: string, value: unknown, right: string): never => fail(`${what} is ${valueText(value)}, not ${right}.`);
  const record = (what: string, value: unknown): Record<string, unknown> => (isPlainObject(value) ? camelKeys(value) : refuse(what, value, 'an object'));
  const list = (what: string, value: unknown): unknown[] => (Array.isArray(value) ? value : refuse(what, value, 'a list'));

  const { state, paramGroups } = record('the state', saved);
  const theirs = list('paramGroups', paramGroups).map((g, i) => record(`group ${i}`, g));
  const lists = theirs.map(({ params }, i) => list(`params of group ${i}`, params));
  const [there, here] = [lists, groups.map((g) => g.params)].map((all) => all.map((l) => l.length).join(', '));
  if (there !== here) fail(`groups of [${there}] parameters do not fit groups of [${here}]: build it over the same parameters.`);

  const options = theirs.map((given, i) => {
    const own = Object.fromEntries(Object.entries(given).flatMap(([key, v]) => (BOOKKEEPING.includes(key) ? [] : [[key, Array.isArray(v) ? [...v] : v]])));
    // An option in PyTorch, classes here: Adam and AdamW.
    if (!('decoupledWeightDecay' in rule.kinds)) {
      const { decoupled = false } = rule;
      const given = own.decoupledWeightDecay ?? decoupled;
      if (given !== decoupled) refuse(`decoupledWeightDecay of group ${i}`, given, "this optimizer's");
      delete own.decoupledWeightDecay;
    }
    try {
      check({ ...(groups[i] as G), lr: undefined, ...own });
    } catch (cause) {
      fail(`group ${i} does not fit. ${(cause as Error).message}`);
    }
    return own;
  });

  const all = groups.flatMap((g) => g.params);
  const positions = new Map(lists.flat().map((id, i) => [`${id}`, i]));
  if (positions.size < all.length) fail('a position stands twice in params.');
  const moments = Object.entries(record('the state', state)).map(([id, entry]): Found => {
    const p = all[positions.get(id) ?? -1] ?? fail(`there is no parameter ${id} in its groups.`);
    const found = record(`the state of parameter ${id}`, entry);
    const names = Object.keys(found);
    // PyTorch counts the steps of every optimizer.
    const unknown = names.find((name) => !Object.hasOwn(rule.moments, name) && name !== 'step');
    if (unknown) fail(`${unknown} of parameter ${id} is unknown: the state is another optimizer's. This one has ${Object.keys(rule.moments).join(', ')}.`);
    const here =
      names.length === 0
        ? []
        : Object.entries(rule.moments).filter(([name, kind]) => {
            if (typeof kind === 'function') return kind(p.sizes);
            return kind !== 'optional' || (found[name] ?? null) !== null;
          });
    return [
      p,
      here.map(([name, kind]) => {
        const value = found[name];
        const what = `${name} of parameter ${id}`;
        const of = kind === 'like' || kind === 'optional' ? p.sizes : [];
        const shape = typeof kind === 'function' ? (kind(p.sizes) as Shape) : of;
        if (!fits(value, shape)) return refuse(what, value, `float32 ${shapeText(shape)}, a tensor or nested numbers`);
        const number = value instanceof Tensor ? value.size === 1 && value.item() : value;
        if (kind === 'number' && !Number.isFinite(number)) refuse(what, number, 'finite');
        if (kind === 'count' && !(Number.isInteger(number) && (number as number) >= 0 && (number as number) <= MOST_STEPS)) refuse(what, number, 'a count of steps');
        return [name, value, shape] as const;
      }),
    ];
  });
  return { options, moments };
}

/** Fresh tensors, which live as long as their parameters. */
export function tensorsOf(found: readonly Found[]): Map<Tensor, ParamState> {
  const copyOf = (source: Source, shape: Shape): Tensor => {
    const y = empty(shape, 'float32', null);
    if (source instanceof Tensor) noGrad(() => copy_(y, source));
    else viewOf('float32').set(([source] as unknown[]).flat(Number.POSITIVE_INFINITY) as number[], y.address / 4);
    return y;
  };
  return new Map(
    found.map(([p, moments]) => {
      const state = Object.fromEntries(moments.map(([name, source, shape]) => [name, copyOf(source, shape)]));
      for (const t of Object.values(state)) p.storage.lead(t.storage);
      return [p, state];
    }),
  );
}
