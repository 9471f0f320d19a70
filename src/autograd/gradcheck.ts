// Gradients against differences: the check that every op's backward must pass.
import { add, mul } from '../ops/binary.ts';
import { randn } from '../ops/create.ts';
import { clone } from '../ops/movement.ts';
import { sum } from '../ops/reduce.ts';
import { float32View } from '../runtime/memory.ts';
import { assertArity, assertTensor, checkArgument, FINITE, FLAG, FUNCTION, type Kinds, withDefaults } from '../tensor/check.ts';
import { GradloomError, valueError } from '../tensor/errors.ts';
import { requiresGrad } from '../tensor/op.ts';
import { Generator } from '../tensor/random.ts';
import { scope } from '../tensor/scope.ts';
import { noGrad } from '../tensor/modes.ts';
import { assertAlive, type Tensor } from '../tensor/tensor.ts';
import { gradientsOf } from './backward.ts';

/** Options of `gradcheck`. */
export interface GradcheckOptions {
  /** Step of the differences. Four points of a fourth-order stencil make 0.01 good to about 1e-5 in float32. */
  eps?: number;
  /** Absolute tolerance, on top of the relative one. Outputs of size 50 carry roundings of 3e-6, which the step magnifies to 3e-4; the rest is room for larger ones. */
  atol?: number;
  /** Relative tolerance, of the largest gradient element. */
  rtol?: number;
  /** Whether to return false instead of throwing. */
  raise?: boolean;
}

const OPTIONS: Kinds<GradcheckOptions> = { eps: FINITE, atol: FINITE, rtol: FINITE, raise: FLAG };
const DEFAULTS: Required<GradcheckOptions> = { eps: 1e-2, atol: 2e-3, rtol: 2e-3, raise: true };

/** Inputs that gradients are checked for. Throws where something else stands among them. */
function checkedOf(op: string, fn: unknown, inputs: readonly Tensor[]): Tensor[] {
  checkArgument(op, 'fn', fn, FUNCTION);
  if (!Array.isArray(inputs)) throw valueError(op, 'inputs must be a list of tensors. Put a single one in brackets.');
  inputs.forEach((x: Tensor, i) => {
    assertTensor(op, x, `input ${i}`);
    assertAlive(x, op);
    if (x.steps.some((s, dim) => s === 0 && (x.sizes[dim] as number) > 1)) throw valueError(op, `elements of input ${i}, an expanded view, share memory. Clone it.`);
  });
  const checked = inputs.filter(requiresGrad);
  if (checked.length === 0) throw valueError(op, 'no input requires a gradient. Make one with { requiresGrad: true }.');
  return checked;
}

/**
 * Whether the gradients of `fn` (with respect to those inputs that require one) agree with finite differences. Outputs are combined
 * with fixed random weights, so one number is differentiated. Inputs must be away from kinks and ends of the domain by 2·eps.
 *
 * @throws VALUE naming input, element, and both numbers, unless `raise: false`
 */
export function gradcheck(fn: (...inputs: Tensor[]) => Tensor | readonly Tensor[], inputs: readonly Tensor[], options?: GradcheckOptions): boolean {
  assertArity('gradcheck', arguments.length, 3);
  return compare('gradcheck', fn, inputs, options);
}

function compare(op: string, fn: (...inputs: Tensor[]) => unknown, inputs: readonly Tensor[], options: GradcheckOptions | undefined): boolean {
  const { eps, atol, rtol, raise } = withDefaults<Required<GradcheckOptions>>(op, options, OPTIONS, DEFAULTS);
  const checked = checkedOf(op, fn, inputs);
  return scope(() => {
    const weights = new Map<number, Tensor>();
    const value = (): Tensor => {
      const outputs = [fn(...inputs)].flat() as Tensor[];
      outputs.forEach((y, i) => {
        assertTensor(op, y, `output ${i} of fn`);
      });
      const parts = outputs
        .filter((y) => y.dtype === 'float32')
        .map((y, i) => {
          const w = weights.get(i) ?? randn(y.sizes, { generator: new Generator(i + 1) });
          weights.set(i, w);
          return sum(mul(y, w));
        });
      if (parts.length === 0) throw valueError(op, 'fn returns no float32 tensor, so there is nothing to differentiate.');
      return parts.reduce((a, b) => add(a, b));
    };
    const analytic = gradientsOf(op, [value()], checked, { materializeGrads: true });
    for (const [i, input] of checked.entries()) {
      const exact = analytic[i]?.data() as Float32Array;
      const scale = exact.reduce((m, g) => Math.max(m, Math.abs(g)), 1);
      for (let k = 0; k < input.size; k++) {
        const numeric = difference(input, k, eps, () => scope(() => value().item()));
        // Not so for NaN on either side.
        if (Math.abs(numeric - (exact[k] as number)) <= atol + rtol * scale) continue;
        if (!raise) return false;
        throw new GradloomError(
          'VALUE',
          op,
          `input ${i} ${input.describe()}, element ${k}: backward gives ${exact[k]}, differences give ${numeric}. One of forward and backward is wrong, or a kink or an end of the domain is near.`,
        );
      }
    }
    return true;
  });
}

/** As `gradcheck`, for the gradients themselves: backward must be differentiable and right twice. */
export function gradgradcheck(fn: (...inputs: Tensor[]) => Tensor, inputs: readonly Tensor[], options?: GradcheckOptions): boolean {
  assertArity('gradgradcheck', arguments.length, 3);
  const op = 'gradgradcheck';
  const checked = checkedOf(op, fn, inputs);
  const generator = new Generator(99);
  const seed = scope(() => {
    const y = noGrad(() => fn(...inputs));
    assertTensor(op, y, 'what fn returns');
    return clone(randn(y.sizes, { generator }));
  });
  return compare(op, (...xs) => gradientsOf(op, [fn(...xs)], checked, { gradOutputs: seed, createGraph: true, materializeGrads: true }), inputs, options);
}

/** (8(f(x+h) − f(x−h)) − (f(x+2h) − f(x−2h)))/12h for element k, which is put back. */
function difference(x: Tensor, k: number, h: number, f: () => number): number {
  let at = x.offset;
  for (let dim = x.rank - 1, rest = k; dim >= 0; dim--) {
    const n = x.sizes[dim] as number;
    at += (rest % n) * (x.steps[dim] as number);
    rest = Math.floor(rest / n);
  }
  const place = x.storage.address / 4 + at;
  const before = float32View()[place] as number;
  const point = (step: number): number => {
    float32View()[place] = before + step;
    return f();
  };
  try {
    // The step that float32 really takes, not the one that was asked for.
    const steps = [h, 2 * h].map((s) => (Math.fround(before + s) - Math.fround(before - s)) / 2) as [number, number];
    const near = (point(h) - point(-h)) / (2 * steps[0]);
    const far = (point(2 * h) - point(-2 * h)) / (2 * steps[1]);
    return (4 * near - far) / 3;
  } finally {
    float32View()[place] = before;
  }
}
