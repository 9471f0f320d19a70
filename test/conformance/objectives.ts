// The objectives of the recorded trajectories: two losses of two numbers, with their gradients, in float64.

/** Writes both losses, and their gradients row by row, at x. */
export type Objective = (x: readonly [number, number], losses: Float64Array, jacobian: Float64Array) => void;

/** The toy of CAGrad, Nash-MTL and FAMO, with its first loss times `scale`. */
function toy(scale: number): Objective {
  return ([x1, x2], losses, j) => {
    const t = Math.tanh(x2);
    const tt = 1 - t * t;
    // At the kink of max(c, 0) the recorded runs took the slope of both sides; log max(|u|, 5e-6) + 6 has no slope where the bound holds.
    const a = 0.5 * (-x1 - 7) + t;
    const b = 0.5 * (-x1 + 3) - t + 2;
    const [la, lb] = [Math.log(Math.max(Math.abs(a), 5e-6)) + 6, Math.log(Math.max(Math.abs(b), 5e-6)) + 6];
    const [sa, sb] = [Math.abs(a) > 5e-6 ? 1 / a : 0, Math.abs(b) > 5e-6 ? 1 / b : 0];
    const c = Math.tanh(0.5 * x2);
    const slope = 0.5 * (1 - c * c);
    const [c1, c2] = [Math.max(c, 0), Math.max(-c, 0)];
    const [d1, d2] = [c >= 0 ? slope : 0, c <= 0 ? -slope : 0];
    const tail = 0.1 * (x2 + 8) * (x2 + 8);
    const [s1, s2] = [((7 - x1) * (7 - x1) + tail) / 10 - 20, ((x1 + 7) * (x1 + 7) + tail) / 10 - 20];
    const down = 0.02 * (x2 + 8);
    losses[0] = scale * (la * c1 + s1 * c2);
    losses[1] = lb * c1 + s2 * c2;
    j[0] = scale * (-0.5 * sa * c1 - 0.2 * (7 - x1) * c2);
    j[1] = scale * (sa * tt * c1 + la * d1 + down * c2 + s1 * d2);
    j[2] = -0.5 * sb * c1 + 0.2 * (x1 + 7) * c2;
    j[3] = -sb * tt * c1 + lb * d1 + down * c2 + s2 * d2;
  };
}

/** By the names in toy_cagrad_nash_f64.json. */
export const toys: Readonly<Record<string, { at: Objective; scale: number; steps: number }>> = {
  'nash5_scale0.1_50k': { at: toy(0.1), scale: 0.1, steps: 50_000 },
  cagrad3_scale1_100k: { at: toy(1), scale: 1, steps: 100_000 },
};

type Quadratic = readonly [a: number, b: number, c: number, u: readonly [number, number]];

/** (x − u)ᵀA(x − u) with A = [[a, b], [b, c]]. */
function quadratics(forms: readonly [Quadratic, Quadratic]): Objective {
  return (x, losses, j) => {
    forms.forEach(([a, b, c, u], i) => {
      const [p, q] = [x[0] - u[0], x[1] - u[1]];
      losses[i] = a * p * p + 2 * b * p * q + c * q * q;
      j[2 * i] = 2 * (a * p + b * q);
      j[2 * i + 1] = 2 * (b * p + c * q);
    });
  };
}

const ewq: readonly [Quadratic, Quadratic] = [
  [1, 0, 0, [0, 0]],
  [0, 0, 1, [0, 0]],
];
const cqf: readonly [Quadratic, Quadratic] = [
  [1, 0.2, 0.05, [1, 0]],
  [3, -0.6, 0.2, [-1, 0]],
];
const hqf: readonly [Quadratic, Quadratic] = [
  [2, -1, 2, [1, 0]],
  [20, -10, 20, [-10, 0]],
];

/** By the names in trajectories_ewq_cqf_hqf_f64.json. */
export const objectives: Readonly<Record<string, { at: Objective; steps: number }>> = {
  EWQ: { at: quadratics(ewq), steps: 50 },
  CQF: { at: quadratics(cqf), steps: 200 },
  HQF: { at: quadratics(hqf), steps: 100 },
};
const FORMS: Readonly<Record<string, readonly [Quadratic, Quadratic]>> = { EWQ: ewq, CQF: cqf, HQF: hqf };

/** How far the losses at x are from the nearest pair on the front, found among 10 001 weighted sums. */
export function distanceToFront(objective: string, x: readonly [number, number]): number {
  const forms = FORMS[objective] as readonly [Quadratic, Quadratic];
  const at = quadratics(forms);
  const [here, there, unused] = [new Float64Array(2), new Float64Array(2), new Float64Array(4)];
  at(x, here, unused);
  let nearest = Number.POSITIVE_INFINITY;
  for (let k = 0; k <= 10_000; k++) {
    at(minimizer(forms, k / 10_000), there, unused);
    nearest = Math.min(nearest, Math.hypot((here[0] as number) - (there[0] as number), (here[1] as number) - (there[1] as number)));
  }
  return nearest;
}

/** Where (1 − s)·f₁ + s·f₂ is least; (0, 0) where that is not one place. */
function minimizer([[a1, b1, c1, u1], [a2, b2, c2, u2]]: readonly [Quadratic, Quadratic], s: number): [number, number] {
  const [a, b, c] = [(1 - s) * a1 + s * a2, (1 - s) * b1 + s * b2, (1 - s) * c1 + s * c2];
  const p = (1 - s) * (a1 * u1[0] + b1 * u1[1]) + s * (a2 * u2[0] + b2 * u2[1]);
  const q = (1 - s) * (b1 * u1[0] + c1 * u1[1]) + s * (b2 * u2[0] + c2 * u2[1]);
  const determinant = a * c - b * b;
  return determinant === 0 ? [0, 0] : [(c * p - b * q) / determinant, (a * q - b * p) / determinant];
}
