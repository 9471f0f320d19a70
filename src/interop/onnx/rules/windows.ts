// Windows over pictures: convolution and pooling along one, two or three directions.
import { amax, mean } from '../../../ops/moments.ts';
import { avgPool1d, avgPool2d } from '../../../ops/avgpool.ts';
import { div } from '../../../ops/binary.ts';
import { conv2d } from '../../../ops/conv.ts';
import { conv1d, maxPool1d } from '../../../ops/conv1d.ts';
import { conv3d } from '../../../ops/conv3d.ts';
import { convTranspose1d, convTranspose2d, convTranspose3d } from '../../../ops/convtranspose.ts';
import { onesLike } from '../../../ops/create.ts';
import { lpPool1d, lpPool2d, lpPool3d } from '../../../ops/lppool.ts';
import { pad } from '../../../ops/pad.ts';
import { maxPool2d } from '../../../ops/pool.ts';
import { abs } from '../../../ops/unary.ts';
import { fold } from '../../../ops/unfold.ts';
import { avgPool3d, maxPool3d } from '../../../ops/pool3d.ts';
import type { Tensor } from '../../../tensor/tensor.ts';
import { asTensor, numbersOf, type Value } from '../host.ts';
import type { NodeView } from '../node.ts';
import { onTensors, type Rule, type Rules, unary } from './rule.ts';

/** Margins of the directions before and behind. */
type Margins = readonly (readonly [before: number, behind: number])[];

/** A node's windows, of which some are known only with the picture. */
interface Windows {
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly margins: (sizes: readonly number[]) => Margins;
}

const AUTO = ['VALID', 'SAME_UPPER', 'SAME_LOWER'] as const;
const fill = (n: number, value: number): number[] => new Array<number>(n).fill(value);

/** Margins that lie the same on both sides as an op's padding; else null. */
const even = (margins: Margins): number[] | null => (margins.every(([a, b]) => a === b) ? margins.map(([a]) => a) : null);
const widened = (x: Tensor, margins: Margins, value = 0): Tensor => (margins.every(([a, b]) => a === 0 && b === 0) ? x : pad(x, [...margins].reverse().flat(), { value }));
const rankOf = (x: Tensor): 1 | 2 | 3 => (x.rank - 2) as 1 | 2 | 3;

function windowsOf(node: NodeView, kernel: readonly number[]): Windows {
  const n = kernel.length;
  const [stride, dilation, auto] = [node.ints('strides', fill(n, 1)), node.ints('dilations', fill(n, 1)), node.word('auto_pad', 'NOTSET', ...AUTO)];
  const pads = node.ints('pads', fill(2 * n, 0));
  if (stride.length !== n || dilation.length !== n || pads.length !== 2 * n) throw node.error(`strides, dilations and pads do not fit a kernel of ${n} directions.`);
  const fixed: Margins = kernel.map((_, i) => (auto === 'VALID' ? [0, 0] : [pads[i] as number, pads[i + n] as number]));
  if (!auto.startsWith('SAME')) return { stride, dilation, margins: () => fixed };
  return {
    stride,
    dilation,
    margins: (sizes) =>
      sizes.map((size, i) => {
        const [s, reach] = [stride[i] as number, (dilation[i] as number) * ((kernel[i] as number) - 1) + 1];
        const all = Math.max((Math.ceil(size / s) - 1) * s + reach - size, 0);
        const [less, more] = [Math.floor(all / 2), Math.ceil(all / 2)];
        return auto === 'SAME_UPPER' ? [less, more] : [more, less];
      }),
  };
}

/** The kernel's sizes are those of the weight: what the node says is compared. */
const kernelOf = (node: NodeView, w: Tensor): readonly number[] => {
  const kernel = node.ints('kernel_shape', w.sizes.slice(2));
  if (kernel.join() !== w.sizes.slice(2).join()) throw node.error(`kernel_shape [${kernel}] is not that of the weight ${w.describe()}.`);
  return kernel;
};

const CONVS = [conv1d, conv2d, conv3d] as unknown as readonly (typeof conv2d)[];
const TRANSPOSED = [convTranspose1d, convTranspose2d, convTranspose3d] as unknown as readonly (typeof convTranspose2d)[];

/** What a node says of its windows: read once its weight is known. */
const WINDOWS = ['kernel_shape', 'pads', 'auto_pad', 'strides', 'dilations'] as const;

const convolution: Rule = {
  inputs: [2, 3],
  weights: [1, 2],
  make: (node) => {
    const groups = node.int('group', 1);
    node.ignore(...WINDOWS);
    return onTensors((x, w, b) => {
      const [t, weight] = [x, w] as [Tensor, Tensor];
      const { stride, dilation, margins } = windowsOf(node, kernelOf(node, weight));
      const around = margins(t.sizes.slice(2));
      const padding = even(around);
      const options = { stride, dilation, groups, padding: padding ?? 0 };
      return onLine(CONVS, t)(padding ? t : widened(t, around), weight, b, lineOf(options, t) as never);
    });
  },
};

/** The function for the picture's directions. */
function onLine<F>(functions: readonly F[], x: Tensor): F {
  return functions[rankOf(x) - 1] as F;
}

/** Lists as the functions of one direction take them: as numbers. */
const lineOf = <O extends object>(options: O, x: Tensor): O =>
  x.rank === 3 ? (Object.fromEntries(Object.entries(options).map(([k, v]) => [k, Array.isArray(v) ? v[0] : v])) as O) : options;

const transposed: Rule = {
  inputs: [2, 3],
  weights: [1, 2],
  make: (node) => {
    const groups = node.int('group', 1);
    const shape = node.has('output_shape') ? node.ints('output_shape') : null;
    node.ignore(...WINDOWS, 'output_padding');
    return onTensors((x, w, b) => {
      const [t, weight] = [x, w] as [Tensor, Tensor];
      const kernel = kernelOf(node, weight);
      const { stride, dilation, margins } = windowsOf(node, kernel);
      const outputPadding = node.ints('output_padding', fill(kernel.length, 0));
      const sizes = t.sizes.slice(2);
      const auto = node.word('auto_pad', 'NOTSET', ...AUTO);
      const whole = sizes.map((n, i) => (stride[i] as number) * (n - 1) + (dilation[i] as number) * ((kernel[i] as number) - 1) + 1 + (outputPadding[i] as number));
      const target = shape?.slice(-sizes.length) ?? (auto.startsWith('SAME') ? sizes.map((n, i) => n * (stride[i] as number)) : null);
      const cuts: Margins = target
        ? whole.map((n, i) => {
            const all = n - (target[i] as number);
            const half = Math.floor(all / 2);
            return auto === 'SAME_UPPER' ? [half, all - half] : [all - half, half];
          })
        : margins(sizes);
      const padding = even(cuts);
      const y = onLine(TRANSPOSED, t)(t, weight, b, lineOf({ stride, dilation, groups, outputPadding, padding: padding ?? 0 }, t) as never);
      return padding
        ? y
        : widened(
            y,
            cuts.map(([a, c]) => [-a, -c]),
          );
    });
  },
};

/** Pools of one, two and three directions. */
type Pool = (x: Tensor, kernel: never, options: never) => Tensor;
const POOLS: Readonly<Record<'max' | 'average', readonly Pool[]>> = { max: [maxPool1d, maxPool2d, maxPool3d], average: [avgPool1d, avgPool2d, avgPool3d] };
const LP: readonly ((x: Tensor, p: number, kernel: never, options: never) => Tensor)[] = [lpPool1d, lpPool2d, lpPool3d];

/** Reads a pool's windows; `pool` gets the picture, the margins, and the padding where that says the same. */
const pooling = (
  make: (node: NodeView, kernel: readonly number[]) => (x: Tensor, windows: Windows, ceilMode: boolean, margins: Margins, padding: number[] | null) => Tensor,
): Rule => ({
  inputs: [1, 1],
  make: (node) => {
    const kernel = node.ints('kernel_shape');
    const windows = windowsOf(node, kernel);
    const ceilMode = node.int('ceil_mode', 0) !== 0;
    const pool = make(node, kernel);
    return onTensors((x) => {
      const t = x as Tensor;
      if (t.rank - 2 !== kernel.length) throw node.error(`a kernel of ${kernel.length} directions for ${t.describe()}.`);
      const margins = windows.margins(t.sizes.slice(2));
      const padding = even(margins);
      const fits = padding?.every((p, i) => p <= (kernel[i] as number) / 2) ?? false;
      if (!fits && ceilMode) throw node.error('ceil_mode with margins that differ is not offered.');
      return pool(t, windows, ceilMode, margins, fits ? padding : null);
    });
  },
});

const run = (kind: 'max' | 'average', x: Tensor, kernel: readonly number[], options: object): Tensor =>
  onLine(POOLS[kind], x)(x, (x.rank === 3 ? kernel[0] : kernel) as never, lineOf(options, x) as never);

const maxPooling = pooling((node, kernel) => {
  node.only('storage_order', 0);
  return (x, { stride, dilation }, ceilMode, margins, padding) => {
    const options = { stride, dilation, ceilMode, padding: padding ?? 0 };
    return run('max', padding ? x : widened(x, margins, Number.NEGATIVE_INFINITY), kernel, options);
  };
});

const averagePooling = pooling((node, kernel) => {
  const countIncludePad = node.int('count_include_pad', 0) !== 0;
  if (node.ints('dilations', [1]).some((d) => d !== 1)) throw node.error('dilations other than 1 are not offered.');
  return (x, { stride }, ceilMode, margins, padding) => {
    if (padding) return run('average', x, kernel, { stride, ceilMode, padding, countIncludePad });
    const average = (y: Tensor): Tensor => run('average', widened(y, margins), kernel, { stride, ceilMode });
    return countIncludePad ? average(x) : div(average(x), average(onesLike(x)));
  };
});

const lpPooling = pooling((node, kernel) => {
  const p = node.int('p', 2);
  if (node.ints('dilations', [1]).some((d) => d !== 1)) throw node.error('dilations other than 1 are not offered.');
  return (x, { stride }, ceilMode, margins) => {
    const y = abs(widened(x, margins));
    return onLine(LP, y)(y, p, (y.rank === 3 ? kernel[0] : kernel) as never, lineOf({ stride, ceilMode }, y) as never);
  };
});

const columns: Rule = {
  inputs: [3, 3],
  numbers: [1, 2],
  note: 'two directions, margins the same on both sides',
  make: (node) => {
    const [stride, dilation, pads] = [node.ints('strides', [1, 1]), node.ints('dilations', [1, 1]), node.ints('pads', [0, 0, 0, 0])];
    if (stride.length !== 2 || pads[0] !== pads[2] || pads[1] !== pads[3]) throw node.error('only two directions with margins the same on both sides are offered.');
    return (x, image, block) =>
      fold(asTensor(x as Value), numbersOf(image as Value) as [number, number], numbersOf(block as Value) as [number, number], {
        stride: [...stride] as [number, number],
        dilation: [...dilation] as [number, number],
        padding: pads.slice(0, 2) as [number, number],
      });
  },
};

const everywhere = (f: (x: Tensor, dims: number[]) => Tensor): Rule => unary(() => (x) => f(x, x.sizes.map((_, i) => i).slice(2)));

/** @internal Rows by operator. */
export const windowRules: Rules = {
  AveragePool: { ...averagePooling, note: 'without dilations' },
  Col2Im: columns,
  Conv: convolution,
  ConvTranspose: transposed,
  GlobalAveragePool: everywhere((x, dim) => mean(x, { dim, keepdim: true })),
  GlobalMaxPool: everywhere((x, dim) => amax(x, { dim, keepdim: true })),
  LpPool: { ...lpPooling, note: 'without dilations' },
  MaxPool: { ...maxPooling, note: 'without indices' },
};
