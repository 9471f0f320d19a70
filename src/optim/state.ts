// A saved optimizer, looked through before anything of it is taken over. Names may be PyTorch's.
import { tensor, type TensorData } from '../ops/create.ts';
import { copy_ } from '../ops/inplace.ts';
import { isPlainObject, valueText } from '../tensor/check.ts';
import { GradloomError, shapeText } from '../tensor/errors.ts';
import { keep } from '../tensor/scope.ts';
import { sameShape, type Shape } from '../tensor/shape.ts';
import { noGrad } from '../tensor/tape.ts';
import { assertAlive, empty, Tensor } from '../tensor/tensor.ts';

/** Named tensors of one parameter. */
export type ParamState = Record<string, Tensor>;

/** What a state tensor is: a count of steps or another number, of rank 0; or of the parameter's shape, which may be absent where optional. */
export type Moment = 'count' | 'number' | 'like' | 'optional';

/** Of a parameter: names, and tensors or nested numbers to copy. */
type Found = [p: Tensor, moments: [name: string, source: Tensor | TensorData, shape: Shape][]];

/** PyTorch's book-keeping in groups, which says how it computes, not what. */
const BOOKKEEPING = new Set(['params', 'paramNames', 'foreach', 'capturable', 'differentiable', 'fused']);

/** The largest count that float32 steps on from by one. */
const MOST_STEPS = 2 ** 24;

const THROUGH_JSON = 'Pass what stateDict gave; checkpoint.save keeps it in a file, to the last bit.';

/** An object with PyTorch's names (`exp_avg_sq`, `_last_lr`) in ours. */
export function camelKeys(object: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).map(([key, v]) => [key.replace(/^_/, '').replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()), v]));
}

/** Whether nested numbers have this shape. */
function fits(value: unknown, shape: Shape, dim = 0): boolean {
  if (dim === shape.length) return typeof value === 'number';
  return Array.isArray(value) && value.length === shape[dim] && value.every((v) => fits(v, shape, dim + 1));
}

/** One moment, checked: what it is copied from. */
function readMoment(op: string, what: string, value: unknown, kind: Moment, p: Tensor): Tensor | TensorData {
  const refuse = (why: string): never => {
    throw new GradloomError('STATE', op, why);
  };
  const scalar = kind === 'count' || kind === 'number';
  const shape = scalar ? [] : p.shape;
  if (value instanceof Tensor) {
    assertAlive(value, op);
    if (value.dtype !== 'float32') refuse(`${what} is ${value.dtype}, not float32. ${THROUGH_JSON}`);
    if (!sameShape(value.shape, shape)) refuse(`${what} is ${shapeText(value.shape)}, ${scalar ? 'right is []' : `the parameter ${shapeText(shape)}`}. Build the same model.`);
  } else if (!fits(value, shape)) {
    refuse(`${what} is ${valueText(value)}, not a tensor or nested numbers of shape ${shapeText(shape)}. ${THROUGH_JSON}`);
  }
  if (scalar) {
    const number = value instanceof Tensor ? value.item() : (value as number);
    if (kind === 'count' ? !(Number.isInteger(number) && number >= 0 && number <= MOST_STEPS) : !Number.isFinite(number))
      refuse(`${what} is ${number}, not ${kind === 'count' ? 'a count of steps' : 'a finite number'}. ${THROUGH_JSON}`);
  }
  return value as Tensor | TensorData;
}

/**
 * Options of each group and moments of each parameter that a state holds. `check` looks at a group with its new options.
 * @throws STATE that says what does not fit; nothing was changed
 */
export function readState<G extends { params: Tensor[] }>(
  op: string,
  saved: unknown,
  groups: readonly G[],
  rule: { readonly kinds: object; readonly defaults: object; readonly moments: Readonly<Record<string, Moment>>; readonly decoupled?: boolean },
  check: (group: G) => void,
): { options: Record<string, unknown>[]; moments: Found[] } {
  const refuse = (why: string): never => {
    throw new GradloomError('STATE', op, why);
  };
  const record = (what: string, value: unknown): Record<string, unknown> =>
    isPlainObject(value) ? camelKeys(value) : refuse(`${what} is ${valueText(value)}, not an object. ${THROUGH_JSON}`);
  const { state, paramGroups } = record('the state', saved);
  if (!Array.isArray(paramGroups)) return refuse(`paramGroups is ${valueText(paramGroups)}, not a list of groups. ${THROUGH_JSON}`);
  const theirs = paramGroups.map((g, i) => record(`group ${i}`, g));
  const lists = theirs.map(({ params }, i) => (Array.isArray(params) ? params : refuse(`params of group ${i} is ${valueText(params)}, not a list of positions. ${THROUGH_JSON}`)));
  if (groups.map((g) => g.params.length).join() !== lists.map((l) => l.length).join()) {
    refuse(`groups of [${lists.map((l) => l.length)}] parameters do not fit groups of [${groups.map((g) => g.params.length)}]. Build the optimizer over the same parameters.`);
  }
  const options = theirs.map((given, i) => {
    const own = Object.fromEntries(
      Object.entries(given)
        .filter(([key, v]) => !BOOKKEEPING.has(key) && v !== undefined)
        .map(([key, v]) => [key, Array.isArray(v) ? [...v] : v]),
    );
    if (!('lr' in own)) refuse(`group ${i} has no lr. ${THROUGH_JSON}`);
    // Adam's and AdamW's are classes here, in PyTorch an option.
    if (!('decoupledWeightDecay' in rule.kinds) && own.decoupledWeightDecay !== undefined) {
      if (own.decoupledWeightDecay !== (rule.decoupled ?? false))
        refuse(`decoupledWeightDecay of group ${i} is ${valueText(own.decoupledWeightDecay)}. Build the optimizer that was saved (Adam or AdamW).`);
      delete own.decoupledWeightDecay;
    }
    try {
      check({ ...(groups[i] as G), ...own });
    } catch (cause) {
      refuse(`group ${i} does not fit. ${(cause as Error).message}`);
    }
    return own;
  });
  const positions = new Map(lists.flat().map((id, i) => [String(id), i]));
  const all = groups.flatMap((g) => g.params);
  if (positions.size !== all.length) refuse('a position stands twice in params. Pass what stateDict gave.');
  const moments = Object.entries(record('state', state)).map(([id, entry]): Found => {
    const p = all[positions.get(id) ?? -1];
    if (!p) return refuse(`there is no parameter ${id} in its groups. ${THROUGH_JSON}`);
    const found = record(`the state of parameter ${id}`, entry);
    // PyTorch counts the steps of every optimizer.
    const unknown = Object.keys(found).find((name) => !Object.hasOwn(rule.moments, name) && name !== 'step');
    if (unknown) refuse(`${unknown} of parameter ${id} is unknown: the state is another optimizer's. It has ${Object.keys(rule.moments).join(', ')}.`);
    const begun = Object.keys(found).length > 0;
    return [
      p,
      Object.entries(rule.moments).flatMap(([name, kind]): Found[1] => {
        const value = found[name];
        if (kind === 'optional' && (value === undefined || value === null)) return [];
        if (!begun) return [];
        if (value === undefined) refuse(`${name} of parameter ${id} is missing. ${THROUGH_JSON}`);
        return [[name, readMoment(op, `${name} of parameter ${id}`, value, kind, p), kind === 'count' || kind === 'number' ? [] : p.shape]];
      }),
    ];
  });
  return { options, moments };
}

/** Fresh tensors, which outlive scopes. */
export function tensorsOf(found: readonly Found[]): Map<Tensor, ParamState> {
  const copies = found.map(([p, moments]) => {
    const entries = moments.map(([name, source, shape]) => {
      if (!(source instanceof Tensor)) return [name, keep(tensor(source, { shape, dtype: 'float32' }))] as const;
      const y = empty(shape, 'float32', null);
      noGrad(() => copy_(y, source));
      return [name, y] as const;
    });
    return [p, Object.fromEntries(entries)] as const;
  });
  return new Map(copies);
}
