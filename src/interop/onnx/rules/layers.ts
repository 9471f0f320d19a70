// Products, normalisations, attention, and pictures in other sizes.
import { scaledDotProductAttention } from '../../../ops/attention.ts';
import { batchNorm, instanceNorm } from '../../../ops/batchnorm.ts';
import { add, div, mul } from '../../../ops/binary.ts';
import { dropout } from '../../../ops/dropout.ts';
import { einsum } from '../../../ops/einsum.ts';
import { gridSample } from '../../../ops/gridsample.ts';
import { interpolate } from '../../../ops/interpolate.ts';
import { localResponseNorm } from '../../../ops/localnorm.ts';
import { linear, matmul } from '../../../ops/matmul.ts';
import { norm } from '../../../ops/moments.ts';
import { permute, reshape, transpose } from '../../../ops/movement.ts';
import { groupNorm, layerNorm, rmsNorm } from '../../../ops/norm.ts';
import { repeatInterleave } from '../../../ops/unique.ts';
import { shapeText } from '../../../tensor/errors.ts';
import type { Tensor } from '../../../tensor/tensor.ts';
import { asTensor, numbersOf, type Value } from '../host.ts';
import type { NodeView } from '../node.ts';
import { given, onTensors, type Rule, type Rules, unary } from './rule.ts';

type Three = [Tensor, Tensor, Tensor | undefined];

const gemm: Rule = {
  inputs: [2, 3],
  weights: [1, 2],
  make: (node) => {
    const [alpha, beta, ta, tb] = [node.float('alpha', 1), node.float('beta', 1), node.int('transA', 0) !== 0, node.int('transB', 0) !== 0];
    return onTensors((...parts) => {
      const [a, b, c] = parts as unknown as Three;
      const x = ta ? transpose(a, 0, 1) : a;
      const w = tb ? b : transpose(b, 0, 1);
      if (alpha === 1 && (!c || (beta === 1 && c.rank === 1 && c.size === w.sizes[0]))) return linear(x, w, c);
      const y = alpha === 1 ? linear(x, w) : mul(linear(x, w), alpha);
      return c ? add(y, beta === 1 ? c : mul(c, beta)) : y;
    });
  },
};

const batchNormalization: Rule = {
  inputs: [5, 5],
  outputs: 3,
  weights: [1, 2],
  state: [3, 4],
  note: 'with training_mode 1 by the batch, which the running statistics follow, until eval()',
  make: (node, training) => {
    const [eps, momentum, byBatch] = [node.float('epsilon', 1e-5), node.float('momentum', 0.9), node.int('training_mode', 0) !== 0];
    return onTensors((x, weight, bias, mean, variance) =>
      batchNorm(x as Tensor, mean, variance, { weight: weight as Tensor, bias: bias as Tensor, eps, momentum: 1 - momentum, training: byBatch && training() }),
    );
  },
};

/** Scale and shift have the shape of the dimensions from `axis` on, or broadcast to it. */
const overLast = (f: (x: Tensor, shape: number[], scale: Tensor | undefined, shift: Tensor | undefined, eps: number) => Tensor): Rule => ({
  inputs: [2, 3],
  outputs: 3,
  weights: [1, 2],
  make: (node) => {
    const [axis, eps] = [node.int('axis', -1), node.float('epsilon', 1e-5)];
    node.ignore('stash_type');
    return onTensors((...parts) => {
      const [x, scale, shift] = parts as unknown as Three;
      const shape = x.sizes.slice(axis);
      const fits = [scale, shift].every((t) => !t || t.sizes.join() === shape.join());
      if (fits) return f(x, shape, scale, shift, eps);
      const y = mul(f(x, shape, undefined, undefined, eps), scale);
      return shift ? add(y, shift) : y;
    });
  },
});

const groupNormalization: Rule = {
  inputs: [3, 3],
  weights: [1, 2],
  make: (node) => {
    const [groups, eps] = [node.int('num_groups'), node.float('epsilon', 1e-5)];
    node.ignore('stash_type');
    return onTensors((x, scale, shift) => {
      // Before opset 21 there is a scale for each group, not for each channel.
      const per = (t: Tensor): Tensor => (t.size === groups ? repeatInterleave(t, ((x as Tensor).sizes[1] as number) / groups) : t);
      return groupNorm(x as Tensor, groups, { weight: per(scale as Tensor), bias: per(shift as Tensor), eps });
    });
  },
};

/** Which modes go with how many directions. */
const LINEAR = ['linear', 'bilinear', 'trilinear'] as const;

function resizeMode(node: NodeView): (directions: number) => { mode: 'nearest' | 'nearest-exact' | 'bicubic' | (typeof LINEAR)[number]; alignCorners?: boolean } {
  const mode = node.word('mode', 'nearest', 'linear', 'cubic');
  const places = node.word('coordinate_transformation_mode', 'half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric');
  const nearest = node.word('nearest_mode', 'round_prefer_floor', 'floor', 'round_prefer_ceil');
  node.only('exclude_outside', 0);
  node.word('keep_aspect_ratio_policy', 'stretch');
  node.ignore('extrapolation_value');
  const cubic = node.float('cubic_coeff_a', -0.75);
  if (mode === 'nearest') {
    if (places === 'asymmetric' && nearest === 'floor') return () => ({ mode: 'nearest' });
    if (places === 'half_pixel' && nearest !== 'floor') return () => ({ mode: 'nearest-exact' });
    throw node.error(`mode nearest with ${places} and ${nearest} is not offered; asymmetric with floor is, and half_pixel with round_prefer_floor.`);
  }
  if (places === 'asymmetric') throw node.error(`mode ${mode} with asymmetric is not offered; half_pixel and align_corners are.`);
  if (mode === 'cubic' && cubic !== -0.75) throw node.error(`cubic_coeff_a ${cubic} is not offered, only -0.75.`);
  const alignCorners = places === 'align_corners';
  return (directions) => ({ mode: mode === 'cubic' ? 'bicubic' : (LINEAR[directions - 1] as 'linear'), alignCorners });
}

const resize: Rule = {
  inputs: [1, 4],
  numbers: [1, 2, 3],
  note: 'of the directions behind channels',
  make: (node) => {
    const how = resizeMode(node);
    const antialias = node.int('antialias', 0) !== 0;
    const axes = node.has('axes') ? node.ints('axes') : null;
    const halfPixel = node.has('coordinate_transformation_mode') && node.word('coordinate_transformation_mode', 'half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric') === 'pytorch_half_pixel';
    return (data, _, scales, sizes) => {
      const x = asTensor(data as Value);
      /** For every dimension, 1 or its own size where nothing is said. */
      const whole = (numbers: number[] | undefined, rest: (dim: number) => number): number[] | undefined => {
        if (!numbers) return undefined;
        return axes ? x.sizes.map((_, d) => numbers[axes.findIndex((a) => (a < 0 ? a + x.rank : a) === d)] ?? rest(d)) : numbers;
      };
      const to = whole(given(sizes), (d) => x.sizes[d] as number);
      const by = to ? undefined : whole(given(scales), () => 1);
      if (by ? by[0] !== 1 || by[1] !== 1 : to?.[0] !== x.sizes[0] || to?.[1] !== x.sizes[1])
        throw node.error(`resizes ${shapeText(x.sizes)} ${by ? `by ${by}` : `to ${to}`}: only directions behind channels are offered.`);
      const options = { ...how(x.rank - 2), ...(antialias && { antialias }) };
      const y = interpolate(x, by ? { scaleFactor: by.slice(2), ...options } : { size: (to as number[]).slice(2), ...options });
      if (halfPixel && y.sizes.some((n, d) => d > 1 && n === 1 && x.sizes[d] !== 1)) throw node.error('pytorch_half_pixel down to one pixel is not offered. Export with half_pixel.');
      return y;
    };
  },
};

/** Heads of [N, L, heads·d] apart, [N, heads, L, d]. */
const apart = (x: Tensor, heads: number): Tensor => {
  if (x.rank === 4) return x;
  const [n, l, width] = x.sizes as [number, number, number];
  return permute(reshape(x, [n, l, heads, width / heads]), [0, 2, 1, 3]);
};

const attention: Rule = {
  inputs: [3, 4],
  note: 'without past keys, softcap and score outputs',
  make: (node) => {
    const [heads, kvHeads, causal] = [node.int('q_num_heads', 0), node.int('kv_num_heads', 0), node.int('is_causal', 0) !== 0];
    const scale = node.has('scale') ? node.float('scale') : null;
    if (node.float('softcap', 0) !== 0) throw node.error('softcap is not offered.');
    node.ignore('softmax_precision', 'qk_matmul_output_mode');
    for (const window of ['left_window_size', 'right_window_size']) node.only(window, -1);
    return onTensors((...parts) => {
      const [q, k, v, attnMask] = parts as [Tensor, Tensor, Tensor, Tensor | undefined];
      if (q.rank === 3 && (heads < 1 || kvHeads < 1)) throw node.error('q_num_heads and kv_num_heads are missing.');
      const queries = apart(q, heads);
      const shared = (x: Tensor): Tensor => {
        const own = apart(x, kvHeads);
        const times = (queries.sizes[1] as number) / (own.sizes[1] as number);
        return times === 1 ? own : repeatInterleave(own, times, 1 as never);
      };
      const y = scaledDotProductAttention(queries, shared(k), shared(v), { attnMask: attnMask ?? null, isCausal: causal, scale });
      if (q.rank === 4) return y;
      const [n, h, l, d] = y.sizes as [number, number, number, number];
      return reshape(permute(y, [0, 2, 1, 3]), [n, l, h * d]);
    });
  },
};

const dropping: Rule = {
  inputs: [1, 3],
  outputs: 2,
  numbers: [1, 2],
  note: 'with training_mode true drops, until eval(); without mask',
  make: (node, mode) => {
    const fixed = node.has('ratio') ? node.float('ratio') : 0.5;
    node.ignore('seed');
    return (x, ratio, training) => {
      const t = asTensor(x as Value);
      return training && mode() && numbersOf(training)[0] ? dropout(t, { p: given(ratio)?.[0] ?? fixed }) : t;
    };
  },
};

/** @internal Rows by operator. */
export const layerRules: Rules = {
  Attention: attention,
  BatchNormalization: batchNormalization,
  Dropout: dropping,
  Einsum: {
    inputs: [1, Number.POSITIVE_INFINITY],
    make: (node) => {
      const equation = node.text('equation');
      return onTensors((...all) => einsum(equation, ...all));
    },
  },
  Gemm: gemm,
  GridSample: {
    inputs: [2, 2],
    make: (node) => {
      const mode = ({ linear: 'bilinear', bilinear: 'bilinear', nearest: 'nearest', cubic: 'bicubic', bicubic: 'bicubic' } as const)[
        node.word('mode', 'linear', 'bilinear', 'nearest', 'cubic', 'bicubic')
      ];
      const [paddingMode, alignCorners] = [node.word('padding_mode', 'zeros', 'border', 'reflection'), node.int('align_corners', 0) !== 0];
      return onTensors((x, grid) => gridSample(x as Tensor, grid as Tensor, { mode, paddingMode, alignCorners }));
    },
  },
  GroupNormalization: groupNormalization,
  InstanceNormalization: {
    inputs: [3, 3],
    weights: [1, 2],
    make: (node) => {
      const eps = node.float('epsilon', 1e-5);
      return onTensors((x, weight, bias) => instanceNorm(x as Tensor, { weight: weight as Tensor, bias: bias as Tensor, eps }));
    },
  },
  LRN: unary((node) => {
    const [size, alpha, beta, k] = [node.int('size'), node.float('alpha', 1e-4), node.float('beta', 0.75), node.float('bias', 1)];
    return (x) => localResponseNorm(x, size, { alpha, beta, k } as never);
  }),
  LayerNormalization: overLast((x, shape, weight, bias, eps) => layerNorm(x, shape, { weight: weight ?? null, bias: bias ?? null, eps })),
  LpNormalization: unary((node) => {
    const [dim, p] = [node.int('axis', -1), node.int('p', 2)];
    return (x) => div(x, norm(x, { p, dim: [dim], keepdim: true }));
  }),
  MatMul: { inputs: [2, 2], weights: [0, 1], make: () => onTensors((a, b) => matmul(a as Tensor, b as Tensor)) },
  RMSNormalization: overLast((x, shape, weight, _, eps) => rmsNorm(x, shape, { weight: weight ?? null, eps })),
  Resize: resize,
};
