// Where a module's state lies: in its own fields, and in plain objects, arrays, Maps and Sets there, at any depth.
import { isPlainObject } from '../tensor/check.ts';
import { GradloomError, isForeign, LOAD_ONCE } from '../tensor/errors.ts';
import { Tensor } from '../tensor/tensor.ts';
import { Buffer, Parameter } from './parameter.ts';

/** What the fields of a module hold. `M` is Module, which stands above this file. */
export interface Fields<M> {
  /** Modules, parameters and buffers with their paths, fields of the library's modules in PyTorch's spelling: `heads.digit`, `norm.running_mean`. */
  readonly own: [path: string, value: M | Parameter | Buffer][];
  /** Modules and parameters where paths do not lead: the field, and what holds them there. */
  readonly hidden: [field: string, value: M | Parameter, holder: string][];
}

/** Fields of the library's own modules that PyTorch spells with underscores. */
const RESPELLED =
  /^(running(Mean|Var)|numBatchesTracked|(weight|bias)(Ih|Hh|Hr)(L\d+(Reverse)?)?|inProj(Weight|Bias)|[qkv]ProjWeight|bias[KV]|outProj|selfAttn|multiheadAttn|posWeight|nAveraged)$/;

/** @internal A name as PyTorch spells it, `runningMean` as `running_mean`. Names that have an underscore, or begin with a capital, stay. */
export const torchSpelling = (name: string): string =>
  /^[a-z][a-zA-Z0-9]*$/.test(name)
    ? name
        .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
        .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
        .toLowerCase()
    : name;

/** @internal A field's name in paths: the library's own as PyTorch's. */
export const fieldName = (field: string): string => (RESPELLED.test(field) ? torchSpelling(field) : field);

/** @internal The method that gives a module's fields: a name that no field of a user's class can take. */
export const FIELDS = Symbol('fields');

/** @internal The method of a module that keeps tensors elsewhere than in its fields: puts one in a place, or returns false. */
export const PUT = Symbol('put');

/** Which paths of a module have held a parameter or buffer: what is assigned there takes its place. */
const known = new WeakMap<object, Map<string, 'parameter' | 'buffer'>>();
/** How many elements are looked at of each container that an instance of an unknown class holds. */
const GLANCE = 1000;

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
const classOf = (value: object): string => (value.constructor as { name?: string } | undefined)?.name || 'class';

/** @internal An error about a field of a module. */
export function fieldError(owner: object, field: string, what: string): GradloomError {
  return new GradloomError('STATE', classOf(owner), `the field '${field}' ${what}`);
}

/** Walks the fields of `owner`. */
export function fieldsOf<M extends object>(owner: M, isModule: (value: object) => value is M): Fields<M> {
  const fields: Fields<M> = { own: [], hidden: [] };
  const walking: object[] = [];
  const keys = Reflect.ownKeys(owner);
  /** The path, a library's field spelled as in PyTorch unless another field has that name. A program's own fields keep their names. */
  const named = (path: string): string => {
    const [field = '', ...rest] = path.split('.');
    const name = fieldName(field);
    return name === field || keys.includes(name) ? path : [name, ...rest].join('.');
  };

  /** What lies at a path; `holder`: what stands between, where the path says too little. */
  const look = (path: string, value: object, holder: string): void => {
    if (isModule(value)) {
      if (holder) fields.hidden.push([path, value, holder]);
      else fields.own.push([named(path), value]);
    } else if (value instanceof Tensor) {
      if (!holder && belongs(owner, path, value)) fields.own.push([named(path), value]);
      else if (holder && value instanceof Parameter) fields.hidden.push([path, value, holder]);
    } else if (isForeign(value)) throw fieldError(owner, path, `holds a ${classOf(value)} ${LOAD_ONCE}.`);
    else if (!ArrayBuffer.isView(value) && !walking.includes(value)) {
      walking.push(value);
      open(path, value, holder);
      walking.pop();
    }
  };

  const open = (path: string, value: object, holder: string): void => {
    // Under a holder all goes by the field's name, for the message.
    const inside = (key: string | number, item: unknown): void => {
      if (isObject(item)) look(holder ? path : `${path}.${key}`, item, holder);
    };
    if (Array.isArray(value) || value instanceof Set) {
      let i = 0;
      for (const item of value) if (!holder || i < GLANCE) inside(i++, item);
    } else if (value instanceof Map) {
      let i = 0;
      for (const [key, item] of value) {
        if (holder && i++ >= GLANCE) break;
        if (isObject(key)) look(path, key, holder || 'as a key of a Map');
        if (typeof key === 'string' || typeof key === 'number') inside(key, item);
        else if (isObject(item)) look(path, item, holder || 'under a key that is no text');
      }
    } else if (isPlainObject(value)) for (const key of Object.keys(value)) inside(key, value[key]);
    else if (value instanceof WeakMap || value instanceof WeakSet) {
      if (!holder) throw fieldError(owner, path, `is a ${classOf(value)}, where parameters are not found. Use a Map, or a #private field for what holds none.`);
    } else if (!holder) for (const item of Object.values(value)) if (isObject(item)) look(path, item, `in an object of ${classOf(value)}`);
  };

  for (const key of keys) {
    const value = (owner as Record<PropertyKey, unknown>)[key as string];
    if (isObject(value)) look(String(key), value, typeof key === 'symbol' ? 'under a symbol' : '');
  }
  return fields;
}

/** Whether the tensor at a path is state: a parameter, a buffer, or what was assigned in a buffer's place. */
function belongs(owner: object, path: string, t: Tensor): boolean {
  let places = known.get(owner);
  if (t instanceof Parameter || t instanceof Buffer) {
    if (!places) {
      places = new Map();
      known.set(owner, places);
    }
    places.set(path, t instanceof Parameter ? 'parameter' : 'buffer');
    return true;
  }
  const held = places?.get(path);
  if (held === 'parameter') throw fieldError(owner, path, `was a parameter, and now holds ${t.describe()}, which nothing trains. Assign a Parameter, or use copy_.`);
  if (held && t.storage.address === 0)
    throw fieldError(owner, path, `was a buffer; the tensor assigned in its place ended with ${t.storage.ended}. Assign keep(tensor), or use copy_.`);
  return held === 'buffer';
}
