// Pictures in other sizes. Nearest pixels are counted out here, for ONNX has more ways to round than PyTorch.
import { constantList } from '../../../ops/create.ts';
import { indexSelect } from '../../../ops/indexing.ts';
import { interpolate } from '../../../ops/interpolate.ts';
import { shapeText } from '../../../tensor/errors.ts';
import type { Tensor } from '../../../tensor/tensor.ts';
import { asTensor, countOf, type Value } from '../host.ts';
import { given, type Rule, type Rules } from './rule.ts';

const ROUND = {
  round_prefer_floor: (x: number): number => Math.ceil(x - 0.5),
  round_prefer_ceil: (x: number): number => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};
type Places = 'half_pixel' | 'pytorch_half_pixel' | 'align_corners' | 'asymmetric';

/** Where pixel i of n lies in a picture of `size`. */
const placeOf = (places: Places, i: number, n: number, size: number, scale: number): number => {
  if (places === 'align_corners') return n === 1 ? 0 : (i * (size - 1)) / (n - 1);
  if (places === 'asymmetric') return Math.fround(i / scale);
  return places === 'pytorch_half_pixel' && n === 1 ? 0 : Math.fround((i + 0.5) / scale - 0.5);
};

const LINEAR = ['linear', 'bilinear', 'trilinear'] as const;

const resize: Rule = {
  inputs: [1, 4],
  numbers: [1, 2, 3],
  note: 'of the directions behind channels; without antialias and asymmetric blending',
  make: (node) => {
    const mode = node.word('mode', 'nearest', 'linear', 'cubic');
    const places = node.word<Places>('coordinate_transformation_mode', 'half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric');
    const round = ROUND[node.word<keyof typeof ROUND>('nearest_mode', 'round_prefer_floor', 'floor', 'round_prefer_ceil', 'ceil')];
    const axes = node.has('axes') ? node.ints('axes') : null;
    for (const name of ['exclude_outside', 'antialias']) node.only(name, 0, 0);
    node.word('keep_aspect_ratio_policy', 'stretch');
    node.ignore('extrapolation_value');
    const cubic = node.float('cubic_coeff_a', -0.75);
    if (mode !== 'nearest' && places === 'asymmetric') throw node.error(`mode ${mode} with asymmetric is not offered; half_pixel and align_corners are.`);
    if (mode === 'cubic' && cubic !== -0.75) throw node.error(`cubic_coeff_a ${cubic} is not offered, only -0.75.`);
    return (data, _, scales, sizes) => {
      const x = asTensor(data as Value);
      /** For every dimension; where nothing is said, what leaves it as it is. */
      const whole = (numbers: number[] | undefined, same: (dim: number) => number): number[] | undefined =>
        numbers && axes ? x.sizes.map((_, d) => numbers[axes.findIndex((a) => (a < 0 ? a + x.rank : a) === d)] ?? same(d)) : numbers;
      const asked = whole(given(sizes), (d) => x.sizes[d] as number);
      const by = asked ? undefined : whole(given(scales), () => 1);
      if (!asked && !by) throw node.error('neither scales nor sizes are there.');
      const to = asked ?? x.sizes.map((n, d) => Math.floor(n * (by?.[d] ?? 1)));
      for (const n of to) countOf([n]);
      if (mode === 'nearest') return nearest(x, to, by, places, round);
      if (to[0] !== x.sizes[0] || to[1] !== x.sizes[1]) throw node.error(`resizes ${shapeText(x.sizes)} to ${shapeText(to)}: only directions behind channels are offered.`);
      const alignCorners = places === 'align_corners';
      if (alignCorners && by?.some((f, d) => to[d] !== (x.sizes[d] as number) * f)) throw node.error('align_corners with scales that give no whole size is not offered.');
      if (places === 'pytorch_half_pixel' && to.some((n, d) => d > 1 && n === 1 && x.sizes[d] !== 1))
        throw node.error('pytorch_half_pixel down to one pixel is not offered. Export with half_pixel.');
      const how = { mode: mode === 'cubic' ? ('bicubic' as const) : (LINEAR[x.rank - 3] as 'linear'), alignCorners };
      return interpolate(x, by && !alignCorners ? { scaleFactor: by.slice(2), ...how } : { size: to.slice(2), ...how });
    };
  },
};

function nearest(x: Tensor, to: readonly number[], by: readonly number[] | undefined, places: Places, round: (x: number) => number): Tensor {
  return to.reduce((y, n, d) => {
    const size = x.sizes[d] as number;
    if (n === size) return y;
    const scale = by?.[d] ?? n / size;
    const from = Array.from({ length: n }, (_, i) => Math.min(Math.max(round(placeOf(places, i, n, size, scale)), 0), size - 1));
    return indexSelect(y, d, constantList(from));
  }, x);
}

/** @internal Rows by operator. */
export const resizeRules: Rules = { Resize: resize };
