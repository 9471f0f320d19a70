// Two-dimensional convolution. Its gradients are ops of the same three kernels, so it can be differentiated any number of times.
import { either, type Kinds, oneOf, optionsBy, WHOLE } from '../tensor/check.ts';
import { GradloomError, shapeError, shapeText, valueError } from '../tensor/errors.ts';
import { apply, type Op, otherInputs } from '../tensor/op.ts';
import { type Shape, sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { assertFloat } from './convert.ts';
import { type ConvAttrs, callConv, callInputGrad, callWeightGrad, outputOf } from './convkernels.ts';
import { constantList, full } from './create.ts';
import { oneHot } from './indexing.ts';
import { mm } from './matmul.ts';
import { cat, permute, reshape, select, squeeze, stack, transpose, unsqueeze } from './movement.ts';
import { sumOver } from './reduce.ts';
import { PAIR, type Pair, pairOf, type Windows } from './windows.ts';

/** Options of convolution, with PyTorch's defaults. */
export interface ConvOptions {
  /** Step between windows; default 1. */
  stride?: Pair;
  /** Zeros around the image, or 'same' (the output has the input's size; stride 1) or 'valid' (none); default 0. */
  padding?: Pair | 'same' | 'valid';
  /** Step between a window's elements; default 1. */
  dilation?: Pair;
  /** Blocks of channels that do not see one another; default 1. */
  groups?: number;
}

const CONV: Kinds<ConvOptions> = { stride: PAIR, padding: /* @__PURE__ */ either(PAIR, oneOf('same', 'valid')), dilation: PAIR, groups: WHOLE };

const convOp: Op<ConvAttrs> = {
  name: 'conv2d',
  shape: (_, attrs) => [attrs.image[0] as number, attrs.weight[0] as number, ...outputOf(attrs)],
  forward: (y, [x, w, b], attrs) => callConv(y, x as Tensor, w as Tensor, b?.address ?? 0, attrs),
  saves: ([x, w]) => [w as boolean, x as boolean, false],
  backward: (dy, node) => {
    const [x, w, b] = node.needs;
    const dx = x ? apply(inputGradOp, [dy, node.input(1)], node.attrs) : null;
    const dw = w ? apply(weightGradOp, [node.input(0), dy], node.attrs) : null;
    return [dx, dw, b ? sumOver(sumOver(dy, [2, 3]), [0]) : null].slice(0, node.shapes.length);
  },
  batched: (dy, node, wants) => {
    const { attrs } = node;
    const [k, n] = dy.sizes as [number, number];
    const folded = (): Tensor => reshape(dy, [k * n, ...dy.sizes.slice(2)]);
    const dx = wants[0] ? reshape(apply(inputGradOp, [folded(), node.input(1)], { ...attrs, image: [k * n, ...attrs.image.slice(1)] }), [k, ...attrs.image]) : null;
    const dw = wants[1] ? weightRows(dy, node.input(0), attrs) : null;
    return [dx, dw, wants[2] ? sumOver(sumOver(dy, [3, 4]), [1]) : null].slice(0, node.shapes.length);
  },
  outer: {
    input: 1,
    cost: ({ attrs }) => {
      const [oh, ow] = outputOf(attrs);
      const [outputs, perGroup, kh, kw] = attrs.weight as [number, number, number, number];
      const rows = (attrs.image[0] as number) * oh * ow;
      const inner = perGroup * kh * kw;
      // Columns by convolution with an identity; groups would need a U for each.
      const gram = attrs.groups === 1 ? rows * rows * inner + rows * inner * inner : Number.POSITIVE_INFINITY;
      return { rows, width: outputs, gradient: rows * outputs * inner, gram };
    },
    gram: (node) => {
      const { attrs } = node;
      const inner = sizeOf(attrs.weight.slice(1));
      const one = reshape(oneHot(constantList(Array.from({ length: inner }, (_, i) => i)), inner), [inner, ...attrs.weight.slice(1)]);
      const columns = apply(convOp, [node.input(0), one], { ...attrs, weight: one.sizes });
      const u = reshape(permute(columns, [0, 2, 3, 1]), [-1, inner]);
      return mm(u, transpose(u, 0, 1));
    },
    rowsOf: (dy) => {
      const [k, n, outputs, h, w] = dy.sizes as [number, number, number, number, number];
      return reshape(permute(dy, [0, 1, 3, 4, 2]), [k, n * h * w, outputs]);
    },
  },
};

/** Weight gradients of k losses, [k, ...weight]: outputs of all losses side by side, so that an image is unrolled once. Groups take one after the other. */
function weightRows(dy: Tensor, x: Tensor, attrs: ConvAttrs): Tensor {
  const [k, n, outputs, oh, ow] = dy.sizes as [number, number, number, number, number];
  if (attrs.groups > 1) return stack(Array.from({ length: k }, (_, i) => apply(weightGradOp, [x, select(dy, 0, i)], attrs)));
  const wide = reshape(transpose(dy, 0, 1), [n, k * outputs, oh, ow]);
  return reshape(apply(weightGradOp, [x, wide], { ...attrs, weight: [k * outputs, ...attrs.weight.slice(1)] }), [k, ...attrs.weight]);
}

// Both gradients are linear in each of their inputs, like the convolution itself: each one's gradients are the other two.

const inputGradOp: Op<ConvAttrs> = {
  name: 'conv2dInputGrad',
  shape: (_, { image }) => image,
  forward: (dx, [dy, w], attrs) => callInputGrad(dx, dy as Tensor, w as Tensor, attrs),
  saves: otherInputs,
  backward: (u, node) => [node.needs[0] ? apply(convOp, [u, node.input(1)], node.attrs) : null, node.needs[1] ? apply(weightGradOp, [u, node.input(0)], node.attrs) : null],
  batched: (u, node, wants) => {
    const { attrs } = node;
    const [k, n] = u.sizes as [number, number];
    const folded = reshape(u, [k * n, ...u.sizes.slice(2)]);
    const dx = wants[0] ? reshape(apply(convOp, [folded, node.input(1)], { ...attrs, image: folded.sizes }), [k, ...(node.shapes[0] as Shape)]) : null;
    const each = (i: number): Tensor => apply(weightGradOp, [select(u, 0, i), node.input(0)], attrs);
    return [dx, wants[1] ? stack(Array.from({ length: k }, (_, i) => each(i))) : null];
  },
};

/** @internal The transposed convolution: the gradient of a convolution towards its image. x [N, O, OH, OW], weight [O, C/groups, KH, KW] → `attrs.image`. */
export const transposedImage = (x: Tensor, weight: Tensor, attrs: ConvAttrs): Tensor => apply(inputGradOp, [x, weight], attrs);

const weightGradOp: Op<ConvAttrs> = {
  name: 'conv2dWeightGrad',
  shape: (_, { weight }) => weight,
  forward: (dw, [x, dy], attrs) => callWeightGrad(dw, x as Tensor, dy as Tensor, attrs),
  saves: otherInputs,
  backward: (u, node) => [node.needs[0] ? apply(inputGradOp, [node.input(1), u], node.attrs) : null, node.needs[1] ? apply(convOp, [node.input(0), u], node.attrs) : null],
};

/** Zero padding on each side so that the output has the input's size; the odd one goes behind. */
function samePadding(x: Tensor, windows: Windows): Tensor {
  return ([2, 3] as const).reduce((y, dim) => {
    const axis = dim === 2 ? 0 : 1;
    const total = windows.dilation[axis] * (windows.kernel[axis] - 1);
    const before = Math.floor(total / 2);
    const zeros = (n: number): Tensor[] =>
      n > 0
        ? [
            full(
              y.sizes.map((d, i) => (i === dim ? n : d)),
              0,
            ),
          ]
        : [];
    return total > 0 ? cat([...zeros(before), y, ...zeros(total - before)], dim) : y;
  }, x);
}

/**
 * Cross-correlation of images with kernels. x [N, C, H, W] or [C, H, W], weight [O, C/groups, KH, KW], bias [O] → [N, O, OH, OW],
 * OH = ⌊(H + 2·padding − dilation·(KH − 1) − 1)/stride⌋ + 1.
 * Options may stand behind the bias by position: stride, padding, dilation, groups.
 *
 * @throws SHAPE where channels do not match or the kernel is larger than the padded image
 */
export function conv2d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  ...given: [stride?: Pair | ConvOptions, padding?: Pair | 'same' | 'valid', dilation?: Pair, groups?: number]
): Tensor {
  return convolve('conv2d', x, weight, bias, optionsBy('conv2d', given, CONV));
}

/** @internal `conv2d` in the name of the function that was called. */
export function convolve(op: string, x: Tensor, weight: Tensor, bias: Tensor | null | undefined, options: ConvOptions): Tensor {
  assertFloat(op, x);
  assertFloat(op, weight, 'weight');
  if (bias) assertFloat(op, bias, 'bias');
  if (x.rank === 3) return squeeze(convolve(op, unsqueeze(x, 0), weight, bias, options), 0);
  if (x.rank !== 4 || weight.rank !== 4)
    throw shapeError(op, 'takes images [N, C, H, W] (or [C, H, W]) and a weight [O, C/groups, KH, KW]', [x.sizes, weight.sizes], 'Reshape them.');
  const { groups = 1, padding = 0 } = options;
  const [outputs, perGroup, kh, kw] = weight.sizes as [number, number, number, number];
  if (!Number.isInteger(groups) || groups < 1 || outputs % groups !== 0)
    throw valueError(op, `groups must be a whole number ≥ 1 that divides the ${outputs} outputs, got ${groups}.`);
  if (x.sizes[1] !== perGroup * groups)
    throw shapeError(op, `the image does not have ${perGroup} channels for each of ${groups} groups`, [x.sizes, weight.sizes], 'Check inChannels and groups.');
  if (bias && (bias.rank !== 1 || bias.size !== outputs)) throw shapeError(op, 'the bias is not [O]', [bias.sizes, weight.sizes], 'Give it one number per output channel.');
  const windows: Windows = {
    kernel: [kh, kw],
    stride: pairOf(op, 'stride', options.stride ?? 1, 1),
    padding: typeof padding === 'string' ? [0, 0] : pairOf(op, 'padding', padding, 0),
    dilation: pairOf(op, 'dilation', options.dilation ?? 1, 1),
  };
  if (padding === 'same' && windows.stride.some((s) => s !== 1)) throw valueError(op, "padding 'same' needs stride 1. Give the padding as numbers.");
  const input = padding === 'same' ? samePadding(x, windows) : x;
  const attrs = { windows, groups, image: input.sizes, weight: weight.sizes };
  if (outputOf(attrs).some((n) => n < 1))
    throw new GradloomError(
      'SHAPE',
      op,
      `the kernel ${shapeText([kh, kw])} with dilation ${windows.dilation} is larger than the padded image ${shapeText(input.sizes)}. Pad more, or use a smaller kernel.`,
    );
  return apply(convOp, bias ? [input, weight, bias] : [input, weight], attrs);
}
