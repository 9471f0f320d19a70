// How draws move with the shape of their law: implicit reparameterisation (Figurnov et al. 2018, arXiv 1805.08498), dx/dα = −(∂F/∂α)/f, in float64. The
// distribution functions F and their derivatives are summed side by side: each number with its derivative.
import { logarithm } from '../tensor/elementary.ts';
import { digamma } from '../tensor/special.ts';

const ENOUGH = 1e-16;
const MOST = 100_000;

/** Of a draw x of the gamma law with shape a: dx/da. */
export function gammaSlope(a: number, x: number): number {
  if (!(a > 0 && x >= 0)) return Number.NaN;
  if (x === 0) return 0;
  if (a > 1e4) return manySlope(a, x);
  return x <= a + 1 ? seriesSlope(a, x) : fractionSlope(a, x);
}

/** F = Σ Tₙ, Tₙ = e⁻ˣ xᵃ⁺ⁿ/Γ(a + n + 1), so ∂F/∂a = Σ Tₙ (ln x − ψ(a + n + 1)) (DLMF 8.7.1). */
function seriesSlope(a: number, x: number): number {
  const log = logarithm(x);
  let [term, psi, sum] = [x / a, digamma(a + 1), 0];
  for (let n = 1; n < MOST; n++) {
    const part = term * (log - psi);
    sum += part;
    if (n > x - a && Math.abs(part) < ENOUGH * Math.abs(sum)) break;
    term *= x / (a + n);
    psi += 1 / (a + n);
  }
  return -sum;
}

/** 1 − F = e⁻ˣ xᵃ h/Γ(a), h a continued fraction (DLMF 8.9.2). */
function fractionSlope(a: number, x: number): number {
  const fraction = new Fraction(x + 1 - a, -1);
  for (let i = 1; i < MOST && !fraction.done; i++) fraction.next(-i * (i - a), i, x + 1 - a + 2 * i, -1);
  return x * (fraction.h * (logarithm(x) - digamma(a)) + fraction.dh);
}

/** Many: the quantile by Cornish and Fisher, x = a + z√a + (z² − 1)/3 + (z³ − 7z)/(36√a). */
function manySlope(a: number, x: number): number {
  const root = Math.sqrt(a);
  let z = (x - a) / root;
  for (let i = 0; i < 3; i++) z -= (a + z * root + (z * z - 1) / 3 + (z * z * z - 7 * z) / (36 * root) - x) / (root + (2 * z) / 3 + (3 * z * z - 7) / (36 * root));
  return 1 + z / (2 * root) - (z * z * z - 7 * z) / (72 * a * root);
}

/** 1/(b₀ + a₁/(b₁ + a₂/(b₂ + …))) by Lentz's method, and its derivative. */
class Fraction {
  /** Value and derivative. */
  h: number;
  dh: number;
  done = false;
  private c = 1e300;
  private dc = 0;
  private d: number;
  private dd: number;

  constructor(b: number, db: number) {
    this.d = 1 / b;
    this.dd = -db * this.d * this.d;
    this.h = this.d;
    this.dh = this.dd;
  }

  /** One more level, with the derivatives of its numbers. */
  next(a: number, da: number, b: number, db: number): void {
    const { c, dc, d, dd, h, dh } = this;
    this.d = 1 / (a * d + b);
    this.dd = -(da * d + a * dd + db) * this.d * this.d;
    this.c = b + a / c;
    this.dc = db + da / c - (a * dc) / (c * c);
    const step = this.d * this.c;
    const dstep = this.dd * this.c + this.d * this.dc;
    this.h = h * step;
    this.dh = dh * step + h * dstep;
    this.done = Math.abs(step - 1) < ENOUGH && Math.abs(dstep) < ENOUGH * (1 + Math.abs(this.dh / this.h));
  }
}

/** h in Iₓ(a, b) = xᵃ(1 − x)ᵇ h/(a B(a, b)) (DLMF 8.17.22), and its derivative to a, or to b. */
function betaFraction(x: number, a: number, b: number, toA: boolean): Fraction {
  const e0 = (-(a + b) * x) / (a + 1);
  const fraction = new Fraction(1, 0);
  fraction.next(e0, toA ? ((b - 1) * x) / ((a + 1) * (a + 1)) : -x / (a + 1), 1, 0);
  fraction.done = false;
  for (let m = 1; m < MOST && !fraction.done; m++) {
    const even = (a + 2 * m - 1) * (a + 2 * m);
    const e = (m * (b - m) * x) / even;
    fraction.next(e, toA ? -e * (1 / (a + 2 * m - 1) + 1 / (a + 2 * m)) : (m * x) / even, 1, 0);
    const o = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    fraction.next(o, o * (1 / (a + b + m) + (toA ? 1 / (a + m) - 1 / (a + 2 * m) - 1 / (a + 2 * m + 1) : 0)), 1, 0);
  }
  return fraction;
}

/** Of a draw x of the beta law with a and b = total − a: (dx/da)/(1 − x), b held. */
export function dirichletSlope(x: number, a: number, total: number): number {
  const b = total - a;
  if (!(a > 0 && b > 0 && x >= 0 && x <= 1)) return Number.NaN;
  if (x === 0) return 0;
  const log = logarithm(x) - digamma(a) + digamma(total);
  if (x <= (a + 1) / (total + 2)) {
    const { h, dh } = betaFraction(x, a, b, true);
    return -(x / a) * (h * (log - 1 / a) + dh);
  }
  const { h, dh } = betaFraction(1 - x, b, a, false);
  return (x / b) * (h * log + dh);
}
