// Products, normalisations, attention, and pictures in other sizes.
import { crossEntropy } from '../../../losses/cross-entropy.ts';
import { nllLoss } from '../../../losses/likelihood.ts';
import { scaledDotProductAttention } from '../../../ops/attention.ts';
import { batchNorm, instanceNorm } from '../../../ops/batchnorm.ts';
import { add, div, eq, mul, where } from '../../../ops/binary.ts';
import { dropout } from '../../../ops/dropout.ts';
import { einsum } from '../../../ops/einsum.ts';
import { gridSample } from '../../../ops/gridsample.ts';
import { localResponseNorm } from '../../../ops/localnorm.ts';
import { linear, matmul } from '../../../ops/matmul.ts';
import { norm } from '../../../ops/moments.ts';
import { permute, reshape, transpose } from '../../../ops/movement.ts';
import { groupNorm, layerNorm, rmsNorm } from '../../../ops/norm.ts';
import { repeatInterleave } from '../../../ops/unique.ts';
import type { Tensor } from '../../../tensor/tensor.ts';
import { asTensor, numbersOf, type Value } from '../host.ts';
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

/** Scores [N, C, …], classes, weights of the classes. */
const loss = (f: typeof crossEntropy | typeof nllLoss): Rule => ({
  inputs: [2, 3],
  make: (node) => {
    const reduction = node.word('reduction', 'mean', 'sum', 'none');
    const ignoreIndex = node.int('ignore_index', -100);
    return onTensors((...parts) => {
      const [x, target, weight] = parts as unknown as Three;
      return f(x, target, { weight: weight ?? null, ignoreIndex, reduction } as never);
    });
  },
});

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
    return (x) => {
      const length = norm(x, { p, dim: [dim], keepdim: true });
      return div(x, where(eq(length, 0), 1, length));
    };
  }),
  MatMul: { inputs: [2, 2], weights: [0, 1], make: () => onTensors((a, b) => matmul(a as Tensor, b as Tensor)) },
  NegativeLogLikelihoodLoss: loss(nllLoss),
  RMSNormalization: overLast((x, shape, weight, _, eps) => rmsNorm(x, shape, { weight: weight ?? null, eps })),
  SoftmaxCrossEntropyLoss: loss(crossEntropy),
};
