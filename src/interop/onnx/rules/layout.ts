// Operators that move elements, and those that make shapes.
import { tile } from '../../../ops/arrange.ts';
import { add, mul } from '../../../ops/binary.ts';
import { to } from '../../../ops/convert.ts';
import { constantList } from '../../../ops/create.ts';
import { gather, indexAdd, indexSelect, oneHot, scatter, scatterAdd } from '../../../ops/indexing.ts';
import { cat, flatten, inShape, permute, reshape, slice, split, squeeze, unsqueeze } from '../../../ops/movement.ts';
import { pad } from '../../../ops/pad.ts';
import { indexCopy, nonzero } from '../../../ops/pick.ts';
import { expand } from '../../../ops/reduce.ts';
import { topk } from '../../../ops/sort.ts';
import { tril, triu } from '../../../ops/triangle.ts';
import { lt, where } from '../../../ops/binary.ts';
import { GradloomError, shapeText } from '../../../tensor/errors.ts';
import { broadcastShapes, sizeOf } from '../../../tensor/shape.ts';
import type { Tensor } from '../../../tensor/tensor.ts';
import { arrayOf } from '../file.ts';
import { asTensor, countOf, dimsOf, HostArray, joined, list, numbersOf, permuted, rangeOf, reshaped, shapeOf, spread, taken, type Value } from '../host.ts';
import type { NodeView } from '../node.ts';
import { given, numberOf, onTensors, type Rule, type Rules } from './rule.ts';

const host = (x: Value | undefined): x is HostArray => x instanceof HostArray;
const value = (x: Value | undefined): Value => x as Value;
const shaped = (x: Value, shape: readonly number[]): Value => (host(x) ? reshaped(x, shape) : reshape(x, [...shape]));

/** A shape in which 0 stands for the input's own size, −1 for what is left. */
function shapeFrom(node: NodeView, from: readonly number[], asked: readonly number[], keepsZero: boolean): number[] {
  const sizes = asked.map((n, i) => (n === 0 && !keepsZero ? (from[i] ?? 0) : n));
  const rest = sizeOf(sizes.filter((n) => n !== -1));
  const whole = sizes.map((n) => (n === -1 ? sizeOf(from) / rest : n));
  if (sizeOf(whole) !== sizeOf(from) || whole.some((n) => !Number.isInteger(n) || n < 0))
    throw new GradloomError(
      'SHAPE',
      'fromOnnx',
      `${node.label}: ${shapeText(from)} does not go into ${shapeText(asked)}. If the batch is meant to vary, export with dynamic axes.`,
    );
  return whole;
}

/** Axes in an input, or in an attribute as before opset 13. */
const axesOf = (node: NodeView): ((at: Value | undefined) => readonly number[] | undefined) => {
  const fixed = node.has('axes') ? node.ints('axes') : undefined;
  return (at) => given(at) ?? fixed;
};

const both = (f: Rule['make']): Pick<Rule, 'make' | 'host'> => ({ make: f, host: f as Rule['host'] & object });

/** Slices: on the host by positions. */
function sliced(x: Value, starts: readonly number[], ends: readonly number[], axes: readonly number[], steps: readonly number[]): Value {
  return dimsOf(axes, shapeOf(x).length).reduce((y: Value, dim, i) => {
    const [size, step] = [shapeOf(y)[dim] as number, steps[i] ?? 1];
    const { first, count } = rangeOf(size, starts[i] as number, ends[i] as number, step);
    const positions = (): number[] => Array.from({ length: count }, (_, k) => first + k * step);
    if (host(y)) return taken(y, dim, list(positions()));
    return step > 0 ? slice(y, dim, first, first + count * step, step) : indexSelect(y, dim, constantList(positions()));
  }, x);
}

/** Rows at flat places: indices [..., k] of x's first k dimensions. */
function flatPlaces(x: Tensor, index: Tensor, skip = 0): Tensor {
  const k = index.sizes.at(-1) as number;
  const strides = Array.from({ length: k }, (_, i) => sizeOf(x.sizes.slice(skip + i + 1, skip + k)));
  const columns = strides.map((stride, i) => {
    const column = inShape(slice(index, -1, i, i + 1), index.sizes.slice(0, -1));
    return mul(where(lt(column, 0), add(column, x.sizes[skip + i] as number), column), stride);
  });
  return flatten(columns.reduce((a, b) => add(a, b)));
}

const scatterNd: Rule = {
  inputs: [3, 3],
  note: 'reduction none and add',
  make: (node) => {
    const put = node.word('reduction', 'none', 'add') === 'add' ? indexAdd : indexCopy;
    return onTensors((x, index, updates) => {
      const [t, i, v] = [x, index, updates] as [Tensor, Tensor, Tensor];
      const k = i.sizes.at(-1) as number;
      const rest = t.sizes.slice(k);
      return reshape(put(reshape(t, [sizeOf(t.sizes.slice(0, k)), ...rest]), 0, flatPlaces(t, i), reshape(v, [sizeOf(i.sizes.slice(0, -1)), ...rest])), t.sizes);
    });
  },
};

const padded: Rule = {
  inputs: [2, 4],
  numbers: [1, 2, 3],
  make: (node) => {
    const mode = ({ constant: 'constant', reflect: 'reflect', edge: 'replicate', wrap: 'circular' } as const)[node.word('mode', 'constant', 'reflect', 'edge', 'wrap')];
    return (data, pads, constant, axes) => {
      const x = asTensor(value(data));
      const at = dimsOf(given(axes) ?? x.sizes.map((_, i) => i), x.rank);
      const numbers = numbersOf(value(pads));
      const margins = x.sizes.flatMap((_, i) => {
        const j = at.indexOf(x.rank - 1 - i);
        return j < 0 ? [0, 0] : [numbers[j] as number, numbers[j + at.length] as number];
      });
      return pad(x, margins, mode === 'constant' ? { value: numberOf(constant, 0) } : { mode });
    };
  },
};

const depthToSpace: Rule = {
  inputs: [1, 1],
  make: (node) => {
    const [b, mode] = [node.int('blocksize'), node.word('mode', 'DCR', 'CRD')];
    return onTensors((x) => {
      const [n, c, h, w] = (x as Tensor).sizes as [number, number, number, number];
      const out = c / (b * b);
      const apart =
        mode === 'DCR' ? permute(reshape(x as Tensor, [n, b, b, out, h, w]), [0, 3, 4, 1, 5, 2]) : permute(reshape(x as Tensor, [n, out, b, b, h, w]), [0, 1, 4, 2, 5, 3]);
      return reshape(apart, [n, out, h * b, w * b]);
    });
  },
};

const spaceToDepth: Rule = {
  inputs: [1, 1],
  make: (node) => {
    const b = node.int('blocksize');
    node.word('mode', 'DCR');
    return onTensors((x) => {
      const [n, c, h, w] = (x as Tensor).sizes as [number, number, number, number];
      return reshape(permute(reshape(x as Tensor, [n, c, h / b, b, w / b, b]), [0, 3, 5, 1, 2, 4]), [n, c * b * b, h / b, w / b]);
    });
  },
};

/** A Constant node's value, in one of the attributes that it may stand in. */
function constantOf(node: NodeView): HostArray {
  const proto = node.tensor('value');
  if (proto) return arrayOf(proto, node.label);
  if (node.has('value_float')) return new HostArray([], [node.float('value_float')], 'float32');
  if (node.has('value_int')) return new HostArray([], [node.int('value_int')], 'int32');
  if (node.has('value_floats')) return new HostArray([node.floats('value_floats').length], node.floats('value_floats'), 'float32');
  return list(node.ints('value_ints'));
}

const splitting: Rule = {
  inputs: [1, 2],
  outputs: Number.POSITIVE_INFINITY,
  numbers: [1],
  ...both((node) => {
    const [axis, fixed] = [node.int('axis', 0), node.has('split') ? node.ints('split') : undefined];
    const parts = node.has('num_outputs') ? node.int('num_outputs') : node.outputs.length;
    return (x, sizes) => {
      const [dim] = dimsOf([axis], shapeOf(value(x)).length) as [number];
      const size = shapeOf(value(x))[dim] as number;
      const each = Math.ceil(size / parts);
      const pieces = given(sizes) ?? fixed ?? Array.from({ length: parts }, (_, i) => Math.max(Math.min(each, size - i * each), 0));
      if (!host(x)) return split(value(x) as Tensor, pieces, dim);
      const start = (i: number): number => pieces.slice(0, i).reduce((a, b) => a + b, 0);
      return pieces.map((_, i) => sliced(x, [start(i)], [start(i + 1)], [dim], [1]));
    };
  }),
};

/** @internal Rows by operator. */
export const layoutRules: Rules = {
  Concat: {
    inputs: [1, Number.POSITIVE_INFINITY],
    ...both((node) => {
      const axis = node.int('axis');
      return (...all) => {
        const arrays = all as Value[];
        const [dim] = dimsOf([axis], shapeOf(arrays[0] as Value).length) as [number];
        return arrays.every(host) ? joined(arrays as HostArray[], dim) : cat(arrays.map(asTensor), dim);
      };
    }),
  },
  Constant: {
    inputs: [0, 0],
    ...both((node) =>
      (
        (x) => () =>
          x
      )(constantOf(node)),
    ),
  },
  ConstantOfShape: {
    inputs: [1, 1],
    numbers: [0],
    ...both((node) => {
      const proto = node.tensor('value');
      const one = proto ? arrayOf(proto, node.label) : new HostArray([1], [0], 'float32');
      return (shape) => spread(new HostArray([], one.values, one.dtype), numbersOf(value(shape)));
    }),
  },
  DepthToSpace: depthToSpace,
  Expand: {
    inputs: [2, 2],
    numbers: [1],
    ...both(() => (x, to) => {
      const shape = broadcastShapes('fromOnnx', shapeOf(value(x)), numbersOf(value(to)));
      return host(x) ? spread(x, shape) : expand(value(x) as Tensor, shape);
    }),
  },
  Flatten: {
    inputs: [1, 1],
    ...both((node) => {
      const axis = node.int('axis', 1);
      return (x) => {
        const shape = shapeOf(value(x));
        const at = axis < 0 ? axis + shape.length : axis;
        return shaped(value(x), [sizeOf(shape.slice(0, at)), sizeOf(shape.slice(at))]);
      };
    }),
  },
  Gather: {
    inputs: [2, 2],
    weights: [0],
    ...both((node) => {
      const axis = node.int('axis', 0);
      return (x, index) => {
        const [dim] = dimsOf([axis], shapeOf(value(x)).length) as [number];
        if (host(x) && host(index)) return taken(x, dim, index);
        const [t, i] = [asTensor(value(x)), asTensor(value(index))];
        const size = t.sizes[dim] as number;
        const places = host(index) ? constantList(numbersOf(index).map((v) => (v < 0 ? v + size : v))) : flatten(where(lt(i, 0), add(i, size), i));
        return reshape(indexSelect(t, dim, places), [...t.sizes.slice(0, dim), ...i.sizes, ...t.sizes.slice(dim + 1)]);
      };
    }),
  },
  GatherElements: {
    inputs: [2, 2],
    make: (node) => {
      const axis = node.int('axis', 0);
      return onTensors((x, index) => {
        const [t, i] = [x, index] as [Tensor, Tensor];
        return gather(t, axis, where(lt(i, 0), add(i, t.sizes.at(axis) as number), i));
      });
    },
  },
  GatherND: {
    inputs: [2, 2],
    make: (node) => {
      node.only('batch_dims', 0);
      return onTensors((x, index) => {
        const [t, i] = [x, index] as [Tensor, Tensor];
        const k = i.sizes.at(-1) as number;
        const rest = t.sizes.slice(k);
        return reshape(indexSelect(reshape(t, [sizeOf(t.sizes.slice(0, k)), ...rest]), 0, flatPlaces(t, i)), [...i.sizes.slice(0, -1), ...rest]);
      });
    },
  },
  Identity: { inputs: [1, 1], ...both(() => (x) => value(x)) },
  NonZero: { inputs: [1, 1], note: 'reads the values: not inside of capture', make: () => onTensors((x) => permute(nonzero(x as Tensor), [1, 0])) },
  OneHot: {
    inputs: [3, 3],
    numbers: [1, 2],
    make: (node) => {
      node.only('axis', -1);
      return (index, depth, values) => {
        const [n, i] = [numberOf(depth, 0), asTensor(value(index))];
        const [off, on] = numbersOf(value(values)) as [number, number];
        const hot = oneHot(where(lt(i, 0), add(i, n), i), n);
        return to(add(mul(hot, on - off), off), value(values).dtype);
      };
    },
  },
  Pad: padded,
  Range: {
    inputs: [3, 3],
    numbers: [0, 1, 2],
    ...both(() => (...bounds) => {
      const [start, end, step] = bounds.map((b) => numberOf(b, 0)) as [number, number, number];
      if (step === 0) throw new GradloomError('VALUE', 'fromOnnx', 'the step of a Range is 0.');
      const count = countOf([Math.max(Math.ceil((end - start) / step), 0)]);
      return new HostArray(
        [count],
        Array.from({ length: count }, (_, i) => start + i * step),
        value(bounds[0]).dtype,
      );
    }),
  },
  Reshape: {
    inputs: [2, 2],
    numbers: [1],
    ...both((node) => {
      const keepsZero = node.int('allowzero', 0) !== 0;
      return (x, shape) => shaped(value(x), shapeFrom(node, shapeOf(value(x)), numbersOf(value(shape)), keepsZero));
    }),
  },
  ScatterElements: {
    inputs: [3, 3],
    note: 'reduction none and add',
    make: (node) => {
      const [axis, put] = [node.int('axis', 0), node.word('reduction', 'none', 'add') === 'add' ? scatterAdd : scatter];
      return onTensors((x, index, updates) => {
        const [t, i] = [x, index] as [Tensor, Tensor];
        return put(t, axis, where(lt(i, 0), add(i, t.sizes.at(axis) as number), i), updates as Tensor);
      });
    },
  },
  ScatterND: scatterNd,
  Shape: {
    inputs: [1, 1],
    ...both((node) => {
      const [start, end] = [node.int('start', 0), node.has('end') ? node.int('end') : undefined];
      return (x) => list(shapeOf(value(x)).slice(start, end));
    }),
  },
  Size: { inputs: [1, 1], ...both(() => (x) => new HostArray([], [sizeOf(shapeOf(value(x)))], 'int32')) },
  Slice: {
    inputs: [3, 5],
    numbers: [1, 2, 3, 4],
    ...both(() => (x, starts, ends, axes, steps) => {
      const from = numbersOf(value(starts));
      return sliced(value(x), from, numbersOf(value(ends)), given(axes) ?? from.map((_, i) => i), given(steps) ?? []);
    }),
  },
  SpaceToDepth: spaceToDepth,
  Split: splitting,
  Squeeze: {
    inputs: [1, 2],
    numbers: [1],
    ...both((node) => {
      const axes = axesOf(node);
      return (x, at) => {
        const shape = shapeOf(value(x));
        const dims = dimsOf(axes(at) ?? shape.flatMap((n, i) => (n === 1 ? [i] : [])), shape.length);
        if (dims.some((d) => shape[d] !== 1)) throw new GradloomError('SHAPE', 'fromOnnx', `${node.label}: axes ${dims} of ${shapeText(shape)} are not of size 1.`);
        return host(x)
          ? reshaped(
              x,
              shape.filter((_, i) => !dims.includes(i)),
            )
          : squeeze(value(x) as Tensor, dims);
      };
    }),
  },
  Tile: { inputs: [2, 2], numbers: [1], make: () => (x, times) => tile(asTensor(value(x)), numbersOf(value(times))) },
  TopK: {
    inputs: [2, 2],
    outputs: 2,
    numbers: [1],
    make: (node) => {
      const [dim, largest] = [node.int('axis', -1), node.int('largest', 1) !== 0];
      node.ignore('sorted');
      return (x, k) => {
        const { values, indices } = topk(asTensor(value(x)), numberOf(k, 0), { dim, largest });
        return [values, indices];
      };
    },
  },
  Transpose: {
    inputs: [1, 1],
    ...both((node) => {
      const perm = node.has('perm') ? node.ints('perm') : undefined;
      return (x) => {
        const rank = shapeOf(value(x)).length;
        const order = dimsOf(perm ?? Array.from({ length: rank }, (_, i) => rank - 1 - i), rank);
        if (host(x) && order.length === rank) return permuted(x, order);
        return permute(asTensor(value(x)), order);
      };
    }),
  },
  Trilu: {
    inputs: [1, 2],
    numbers: [1],
    make: (node) => {
      const f = node.int('upper', 1) ? triu : tril;
      return (x, k) => f(asTensor(value(x)), numberOf(k, 0));
    },
  },
  Unsqueeze: {
    inputs: [1, 2],
    numbers: [1],
    ...both((node) => {
      const axes = axesOf(node);
      return (x, at) => {
        const shape = shapeOf(value(x));
        const asked = axes(at) ?? [];
        const dims = dimsOf(asked, shape.length + asked.length).sort((a, b) => a - b);
        if (!host(x)) return dims.reduce((y, d) => unsqueeze(y, d), value(x) as Tensor);
        const wider = [...shape];
        for (const d of dims) wider.splice(d, 0, 1);
        return reshaped(x, wider);
      };
    }),
  },
};
