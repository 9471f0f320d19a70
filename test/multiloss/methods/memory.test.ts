// Methods with memory over 500 steps against their formulas, written down anew in float64: losses of every kind, resumed in the middle through JSON, and captured.
import { capture, Generator, multiloss as M, optim, rand, type Tensor, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inner, length, type Rows } from '../samples.ts';

const STEPS = 500;
/** Where ReLoBRaLo draws from: no part of its state. */
const draws = new Generator(7);

/** What a formula is told of a step: as much as the method. */
interface Step {
  t: number;
  names: readonly string[];
  losses: readonly number[];
  rows: Rows;
}
/** A step's weights, in the order of its losses; or its direction. Holds its own memory. */
type Formula = (step: Step) => readonly number[];

interface MemoryRow {
  name: string;
  make: () => M.Method & M.Stateful;
  formula: () => Formula;
  /** The formula gives a direction, not weights. */
  direction?: true;
  /** It refuses negative losses. */
  positive?: true;
  /** The most losses that it takes here. */
  most?: number;
  /** Courses on which the formula says nothing. */
  without?: readonly string[];
  /** To this share of the largest; default 1e-6: lengths and products come from float32. More where the method computes in float32 for 500 steps. */
  tolerance?: number;
  /** After each step. */
  after?: (method: M.Method, step: Step) => void;
}

const total = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0);
const softmax = (x: readonly number[], sum = 1): number[] => {
  const e = x.map((v) => (v === Math.max(...x) ? 1 : Math.exp(v - Math.max(...x))));
  return e.map((v) => (sum * v) / total(e));
};
/** What there is of each loss, by name. */
function perLoss<T extends object>(fresh: (i: number, step: Step) => T): ((step: Step) => T[]) & { all: Map<string, T> } {
  const all = new Map<string, T>();
  const of = (step: Step): T[] =>
    step.names.map((name, i) => {
      if (!all.has(name)) all.set(name, fresh(i, step));
      return all.get(name) as T;
    });
  return Object.assign(of, { all });
}
const ratio = (a: number, b: number): number => (b !== 0 ? a / b : a === 0 ? 1 : Number.MAX_VALUE);
const plus = (a: readonly number[], b: readonly number[], s = 1): number[] => a.map((v, k) => v + s * (b[k] as number));
const mixed = (rows: Rows, w: readonly number[]): number[] => rows.reduce((sum, r, i) => plus(sum, r, w[i]), (rows[0] as number[]).map(() => 0)); // biome-ignore format: one line
/** The simplex's nearest point, by bisection on the shift. */
function ontoSimplex(v: readonly number[]): number[] {
  let [low, high] = [-1, 0];
  const largest = Math.max(...v);
  const at = (shift: number): number[] => v.map((x) => Math.max(x - largest - shift, 0));
  for (let i = 0; i < 200; i++) {
    const middle = (low + high) / 2;
    if (total(at(middle)) > 1) low = middle;
    else high = middle;
  }
  return at((low + high) / 2);
}

/** One step of Adam on a number: w ← w − lr·m̂/(√v̂ + ε). */
interface Adam {
  m: number;
  v: number;
  t: number;
}
function adam(of: Adam, slope: number, lr: number): number {
  of.t++;
  of.m = 0.9 * of.m + 0.1 * slope;
  of.v = 0.999 * of.v + 0.001 * slope * slope;
  return (lr * (of.m / (1 - 0.9 ** of.t))) / (Math.sqrt(of.v / (1 - 0.999 ** of.t)) + 1e-8);
}

const softAdapt =
  ({ beta = 0.1, normalized = false, lossWeighted = false } = {}) =>
  (): Formula => {
    const of = perLoss((i, { losses }) => ({ last: losses[i] as number }));
    return (step) => {
    const first = of.all.size === 0;
    const known = of(step);
    const rates = step.losses.map((l, i) => l - (known[i] as { last: number }).last);
    known.forEach((k, i) => { k.last = step.losses[i] as number; });
    if (first) return rates.map(() => 1 / rates.length);
    const size = normalized ? 1e-8 + total(rates.map(Math.abs)) : 1;
    const w = softmax(rates.map((r) => (beta * r) / size));
    const weighted = w.map((v, i) => v * (step.losses[i] as number));
    return !lossWeighted || total(weighted) === 0 ? w : weighted.map((v) => v / total(weighted));
  }; // biome-ignore format: one line
  };

const cov = (decay?: number) => (): Formula => {
  const of = perLoss(() => ({ losses: [] as number[], ratios: [] as number[], mean: 0, usual: 0, squares: 0 }));
  const after = (before: number, n: number, now: number): number => (n === 0 ? now : decay === undefined ? before + (now - before) / (n + 1) : decay * before + (1 - decay) * now);
  return (step) => {
    const known = of(step);
    const measured = known.map(({ ratios, usual, squares }) => {
      if (ratios.length < 2) return Number.NaN;
      const mean = decay === undefined ? total(ratios) / ratios.length : usual;
      return Math.sqrt((decay === undefined ? total(ratios.map((v) => (v - mean) ** 2)) : squares) / ratios.length + 1e-8) / mean;
    });
    const there = measured.filter((v) => !Number.isNaN(v));
    const c = measured.map((v) => (!Number.isNaN(v) ? v : there.length > 0 ? total(there) / there.length : 1));
    known.forEach((k, i) => {
      const [loss, n] = [step.losses[i] as number, k.losses.length];
      const now = k.mean === 0 ? 1 : loss / k.mean;
      const usual = after(k.usual, n, now);
      k.squares += (now - k.usual) * (now - usual); // Welford's, as the paper's program keeps it
      [k.mean, k.usual] = [after(k.mean, n, loss), usual];
      k.ratios.push(now);
      k.losses.push(loss);
    });
    return c.map((v) => v / total(c));
  };
};

const dwa = (): Formula => {
  const of = perLoss(() => ({ now: [] as number[], means: [] as number[] }));
  let steps = 0;
  return (step) => {
    const known = of(step);
    const two = known.some(({ means }) => means.length > 1);
    const r = known.map(({ means }) => (means.length > 1 ? ratio(means.at(-1) as number, means.at(-2) as number) : 1));
    known.forEach(({ now }, i) => void now.push(step.losses[i] as number));
    if (++steps % 5 === 0) {
      for (const { now, means } of of.all.values()) if (now.length > 0) means.push(total(now) / now.length);
      for (const { now } of of.all.values()) now.length = 0;
    }
    return two ? softmax(r.map((v) => v / 2), r.length) : r.map(() => 1); // biome-ignore format: one line
  };
};

const famo = (after: 'next' | 'update'): Formula => {
  const of = perLoss(() => ({ logit: 0, before: 0, adam: { m: 0, v: 0, t: 0 } }));
  let open: string[] = [];
  const learn = (names: readonly string[], losses: readonly number[]): void => {
    const found = open.filter((name) => names.includes(name)).map((name) => ({ of: of.all.get(name) as NonNullable<ReturnType<(typeof of.all)['get']>>, now: (losses[names.indexOf(name)] as number) + 1e-8 })); // biome-ignore format: one line
    const z = softmax(found.map((f) => f.of.logit));
    const delta = found.map((f) => Math.log(f.of.before) - Math.log(f.now));
    const mean = total(delta.map((d, i) => d * (z[i] as number)));
    found.forEach((f, i) => {
      f.of.logit -= adam(f.of.adam, (z[i] as number) * ((delta[i] as number) - mean) + 1e-3 * f.of.logit, 0.025);
    });
  };
  return (step) => {
    const { names, losses } = step;
    if (after === 'next') learn(names, losses);
    const known = of(step);
    known.forEach((k, i) => {
      k.before = (losses[i] as number) + 1e-8;
    });
    open = [...names];
    const share = softmax(known.map((k) => k.logit)).map((z, i) => z / (known[i] as { before: number }).before);
    if (after === 'update') learn(names, outcome(step));
    return share.map((v) => v / total(share));
  };
};
/** What the losses are after a step, for FAMO. */
const outcome = ({ losses, t }: Step): number[] => losses.map((l, i) => l * (0.9 + 0.05 * ((t + i) % 4)));

/** sᵢ of UncertaintyWeighting or IMTL-L, learnt by Adam at 0.05 on one parameter of three numbers. */
const learnt = (sign: 1 | -1, factor: number) => (): Formula => {
  const s = [0, 1, 2].map(() => ({ s: 0, adam: { m: 0, v: 0, t: 0 } }));
  const met: string[] = [];
  return ({ names, losses }) => {
    for (const name of names) if (!met.includes(name)) met.push(name);
    const w = names.map((name) => factor * Math.exp(sign * (s[met.indexOf(name)] as { s: number }).s));
    s.forEach((of, place) => {
      const i = names.indexOf(met[place] as string);
      const loss = losses[i] ?? 0;
      const slope = loss > 0 ? sign * ((w[i] as number) * loss - factor) : 0;
      of.s -= adam(of.adam, slope, 0.05);
    });
    return w;
  };
};

const gradNorm = (): Formula => {
  const of = perLoss((i, { losses }) => ({ first: losses[i] as number, w: 1, adam: { m: 0, v: 0, t: 0 } }));
  return (step) => {
    const known = of(step);
    const m = known.length;
    const sum = total(known.map((k) => k.w));
    if (Math.abs(sum - m) > 1e-9 * m) for (const k of known) k.w *= m / sum;
    const w = known.map((k) => k.w);
    const lengths = step.rows.map(length);
    const weighted = lengths.map((l, i) => l * (w[i] as number));
    const mean = total(weighted) / m;
    if (mean === 0) return w;
    const left = known.map(({ first }, i) => (first > 0 ? (step.losses[i] as number) / first : 1));
    const usual = total(left) / m;
    const moved = known.map((k, i) => {
      const target = mean * (usual > 0 ? ((left[i] as number) / usual) ** 1.5 : 1);
      return Math.max((w[i] as number) - adam(k.adam, (Math.sign((weighted[i] as number) - target) * (lengths[i] as number)) / mean, 0.025), 0);
    });
    const above = moved.map((v) => Math.max(v - 0.01, 0));
    known.forEach((k, i) => {
      k.w = total(above) > 0 ? 0.01 + ((above[i] as number) / total(above)) * m * 0.99 : 1;
    });
    return w;
  };
};

const gradVac = (beta: number) => (): Formula => {
  const aims = new Map<string, number>();
  const kept = (x: number): number => Math.sqrt(1 - x * x);
  return ({ names, rows }) => {
    const w = names.map(() => 0);
    names.forEach((a, i) => {
      const made = names.map((_, k) => (k === i ? 1 : 0) as number);
      names.forEach((b, j) => {
        if (j === i) return;
        const [mine, other] = [mixed(rows, made), rows[j] as number[]];
        const [p, q] = [length(mine), length(other)];
        const c = p === 0 || q === 0 ? 0 : Math.min(1, Math.max(-1, inner(mine, other) / p / q));
        const aim = aims.get(`${a} ${b}`) ?? 0;
        if (c < aim && p > 0 && q > 0) made[j] = (made[j] as number) + (p * (aim * kept(c) - c * kept(aim))) / (q * kept(aim));
        aims.set(`${a} ${b}`, (1 - beta) * aim + beta * c);
      });
      made.forEach((v, k) => {
        w[k] = (w[k] as number) + v;
      });
    });
    return w;
  };
};

/** Nash's equations have a closed form for two losses: a·w₁² = c·w₂². */
const nash = (n: number) => (): Formula => {
  const of = perLoss(() => ({ w: Number.NaN }));
  let count = 0;
  return (step) => {
    const known = of(step);
    const [x, y = x] = step.rows as [number[], number[]];
    const [a, b, c] = [inner(x, x), inner(x, y), inner(y, y)];
    if (count++ % n === 0 || known.some((k) => Number.isNaN(k.w))) {
      const first = known.length === 1 ? 1 / Math.sqrt(a) : 1 / Math.sqrt(a + b * Math.sqrt(a / c));
      known.forEach((k, i) => {
        k.w = i === 0 ? first : first * Math.sqrt(a / c);
      });
    }
    const w = known.map((k) => k.w);
    const long = length(mixed(step.rows, w));
    return long > 1 ? w.map((v) => v / long) : w;
  };
};

const enCodec = (ema: number) => (): Formula => {
  const of = perLoss(() => ({ seen: [] as number[] }));
  return (step) =>
    of(step).map(({ seen }, i) => {
      seen.unshift(length(step.rows[i] as number[]));
      const mean = total(seen.map((v, k) => v * ema ** k)) / total(seen.map((_, k) => ema ** k));
      return 1 / step.names.length / (mean > 1e-12 ? 1e-12 + mean : 1);
    });
};

const pinn = (): Formula => {
  const of = perLoss(() => ({ w: 1 }));
  const sizes = (row: readonly number[]): number[] => row.map(Math.abs);
  return (step) => {
    const main = step.rows[step.names.indexOf('a')];
    return of(step).map((k, i) => {
      const mean = total(sizes(step.rows[i] as number[])) / (step.rows[i] as number[]).length;
      if (main && step.names[i] !== 'a' && mean > 1e-12 * Math.max(...sizes(main))) k.w = 0.9 * k.w + (0.1 * Math.max(...sizes(main))) / mean;
      return k.w;
    });
  };
};

const excess = (eta: number) => (): Formula => {
  const of = perLoss((_i, { names }) => ({ logit: -Math.log(names.length), first: Number.NaN, squares: [] as number[] }));
  let begun = false;
  return (step) => {
    const known = of(step);
    known.forEach((k, i) => {
      const now = (step.rows[i] as number[]).map((v) => v * v);
      k.squares = k.squares.length === 0 ? now : plus(k.squares, now);
      const e = total(now.map((v, c) => v / Math.sqrt((k.squares[c] as number) + 1e-7)));
      if (Number.isNaN(k.first)) k.first = e;
      k.logit = begun ? k.logit + (eta * e) / (k.first + 1e-7) : eta * e;
    });
    begun = true;
    const w = softmax(known.map((k) => k.logit));
    known.forEach((k, i) => {
      k.logit = Math.log(Math.max(w[i] as number, 1e-300));
    });
    return mixed(step.rows, w);
  };
};

const moCo = (): Formula => {
  const of = perLoss((_i, { names, rows }) => ({ t: 0, lambda: 1 / names.length, y: (rows[0] as number[]).map(() => 0) }));
  return (step) => {
    const known = of(step);
    known.forEach((k, i) => {
      const row = step.rows[i] as number[];
      const unit = row.map((v) => (v * (step.losses[i] as number)) / (length(row) + 1e-8));
      k.y = plus(k.y, plus(unit, k.y, -1), 0.5 / Math.sqrt(++k.t));
    });
    const sum = total(known.map((k) => k.lambda));
    const lambda = known.map((k) => k.lambda / sum);
    const y = known.map((k) => k.y);
    const w = softmax(known.map((k, i) => (lambda[i] as number) - (0.1 / Math.sqrt(k.t)) * inner(k.y, mixed(y, lambda))));
    known.forEach((k, i) => {
      k.lambda = w[i] as number;
    });
    return mixed(y, w);
  };
};

const dbmtl = (sigma: number) => (): Formula => {
  const of = perLoss((_i, { rows }) => ({ t: 0, mean: (rows[0] as number[]).map(() => 0) }));
  return (step) => {
    const known = of(step);
    known.forEach((k, i) => {
      const now = (step.rows[i] as number[]).map((v) => v / ((step.losses[i] as number) + 1e-8));
      k.mean = plus(now, plus(k.mean, now, -1), 0.9 / (++k.t) ** sigma);
    });
    const lengths = known.map((k) => length(k.mean));
    const longest = Math.max(...lengths);
    return mixed(known.map((k) => k.mean), lengths.map((l) => longest / (l + 1e-8 * Math.min(longest, 1) || 1))); // biome-ignore format: one line
  };
};

/** MoDo and SDMGrad: a point of the simplex that goes on from step to step. */
const walking = (move: (point: number[], gramian: number[][]) => number[], weigh: (point: number[]) => number[]) => (): Formula => {
  const of = perLoss((_i, { names }) => ({ share: 1 / names.length }));
  return (step) => {
    const known = of(step);
    const sum = total(known.map((k) => k.share));
    const point = known.map((k) => (sum > 0 ? k.share / sum : 1 / known.length));
    const next = move(point, step.rows.map((a) => step.rows.map((b) => inner(a, b)))); // biome-ignore format: one line
    known.forEach((k, i) => {
      k.share = next[i] as number;
    });
    return weigh(next);
  };
};
const moDo = walking(
  (point, gramian) => ontoSimplex(point.map((v, i) => v - 0.1 * (inner(gramian[i] as number[], point) + 0.1 * v))),
  (point) => point,
);
const sdmGrad = walking(
  (start, gramian) => {
    const m = start.length;
    const mean = total(gramian.map((row, i) => Math.sqrt(row[i] as number))) / m;
    let [point, velocity] = [start, start.map(() => 0)];
    for (let turn = 0; turn < 20; turn++) {
      const towards = point.map((v) => v + 0.3 / m);
      velocity = velocity.map((v, i) => 0.5 * v + (mean > 0 ? inner(gramian[i] as number[], towards) / mean / mean : 0));
      point = ontoSimplex(plus(point, velocity, -1));
    }
    return point;
  },
  (point) => point.map((v) => (v + 0.3 / point.length) / 1.3),
);

/** A warm-up of Σ ln L, then m·μ·ln Σ (L/nadir)^(1/μ). */
const stch = (mu: number) => (): Formula => {
  const of = perLoss(() => ({ sum: 0, count: 0 }));
  let steps = 0;
  return (step) => {
    const known = of(step);
    const warm = steps++ < 7;
    known.forEach((k, i) => {
      if (!warm && k.count > 0) return;
      k.sum += step.losses[i] as number;
      k.count++;
    });
    if (warm) return step.losses.map((l) => 1 / (l + 1e-20));
    const relative = known.map((k, i) => (step.losses[i] as number) / Math.max(k.sum / k.count, 1e-20) + 1e-20);
    const w = softmax(relative.map((v) => Math.log(v) / mu), known.length); // biome-ignore format: one line
    return known.map((k, i) => (w[i] as number) / (relative[i] as number) / Math.max(k.sum / k.count, 1e-20));
  };
};

const reLoBRaLo = (): Formula => {
  const of = perLoss((i, { losses }) => ({ first: losses[i] as number, last: losses[i] as number, w: 1 }));
  const generator = new Generator(7);
  return (step) => {
    const begins = of.all.size === 0;
    const known = of(step);
    if (begins) return known.map(() => 1);
    const against = (then: 'first' | 'last'): number[] => softmax(known.map((k, i) => ratio(step.losses[i] as number, k[then]) / 0.1), known.length); // biome-ignore format: one line
    const history = rand([1], { generator }).item() < 0.5 ? known.map((k) => k.w) : against('first');
    const now = against('last');
    return known.map((k, i) => {
      k.last = step.losses[i] as number;
      k.w = 0.9 * (history[i] as number) + 0.1 * (now[i] as number);
      return k.w;
    });
  };
};

const ema = (of: () => Formula, decay: number) => (): Formula => {
  const [weigh, means] = [of(), new Map<string, number>()];
  return (step) => {
    const now = weigh(step);
    return step.names.map((name, i) => {
      const before = means.get(name) ?? (now[i] as number);
      means.set(name, decay * before + (1 - decay) * (now[i] as number));
      return means.get(name) as number;
    });
  };
};
const every = (n: number, of: () => Formula) => (): Formula => {
  const [weigh, latest] = [of(), new Map<string, number>()];
  let count = 0;
  return (step) => {
    if (count++ % n === 0) weigh(step).forEach((w, i) => void latest.set(step.names[i] as string, w));
    const usual = total([...latest.values()]) / latest.size;
    return step.names.map((name) => latest.get(name) ?? usual);
  };
};
const normalized = (of: () => Formula) => (): Formula => {
  const weigh = of();
  return (step) => weigh(step).map((w, i) => (length(step.rows[i] as number[]) > 1e-12 ? w / length(step.rows[i] as number[]) : w)); // biome-ignore format: one line
};

const MEAN = (): Formula => ({ names }) => names.map(() => 1 / names.length); // biome-ignore format: one line
const LIMITS: Readonly<Record<string, number>> = { b: 0.7, c: 1 };

const rows: readonly MemoryRow[] = [
  { name: 'GradNorm', make: () => new M.GradNorm(), formula: gradNorm, positive: true },
  { name: 'CoV', make: () => new M.CoV(), formula: cov(), positive: true },
  { name: 'CoV(decay 0.9)', make: () => new M.CoV({ decay: 0.9 }), formula: cov(0.9), positive: true, tolerance: 1e-5 },
  { name: 'ReLoBRaLo', make: () => new M.ReLoBRaLo({ alpha: 0.9, rho: 0.5, generator: draws }), formula: reLoBRaLo, positive: true },
  { name: 'DWA', make: () => new M.DWA({ stepsPerEpoch: 5 }), formula: dwa, positive: true },
  { name: 'SoftAdapt', make: () => new M.SoftAdapt(), formula: softAdapt() },
  { name: 'SoftAdapt(normalized)', make: () => new M.SoftAdapt({ normalized: true, beta: -2 }), formula: softAdapt({ normalized: true, beta: -2 }) },
  { name: 'SoftAdapt(lossWeighted)', make: () => new M.SoftAdapt({ lossWeighted: true }), formula: softAdapt({ lossWeighted: true }), positive: true },
  { name: 'FAMO', make: () => new M.FAMO({ after: 'next' }), formula: () => famo('next'), positive: true },
  {
    name: 'FAMO, told',
    make: () => new M.FAMO(),
    formula: () => famo('update'),
    positive: true,
    after: (method, step) => (method as M.FAMO).update(outcome(step)),
  },
  { name: 'UncertaintyWeighting', make: () => new M.UncertaintyWeighting(3), formula: learnt(-1, 0.5), positive: true, tolerance: 1e-4 },
  { name: 'IMTLL', make: () => new M.IMTLL(3), formula: learnt(1, 1), positive: true, tolerance: 1e-4 },
  { name: 'STCH with a warm-up', make: () => new M.STCH({ mu: 0.5, warmupSteps: 7 }), formula: stch(0.5), positive: true, tolerance: 1e-5 },
  { name: 'MoCo', make: () => new M.MoCo(), formula: moCo, direction: true, positive: true, tolerance: 1e-4 },
  { name: 'DBMTL', make: () => new M.DBMTL(), formula: dbmtl(0), direction: true, positive: true, tolerance: 1e-5 },
  { name: 'DBMTL(sigma 0.5)', make: () => new M.DBMTL({ sigma: 0.5 }), formula: dbmtl(0.5), direction: true, positive: true, tolerance: 1e-5 },
  { name: 'ExcessMTL', make: () => new M.ExcessMTL({ eta: 0.1 }), formula: excess(0.1), direction: true, tolerance: 1e-4 },
  { name: 'GradVac', make: () => new M.GradVac(), formula: gradVac(0.5), most: 2 },
  { name: 'GradVac(beta 0.05)', make: () => new M.GradVac({ beta: 0.05 }), formula: gradVac(0.05), most: 2 },
  { name: 'NashMTL(updateEvery 3)', make: () => new M.NashMTL({ updateEvery: 3 }), formula: nash(3), most: 2, without: ['zero'] },
  { name: 'MoDo', make: () => new M.MoDo(), formula: moDo },
  { name: 'SDMGrad(lr 1)', make: () => new M.SDMGrad({ lr: 1 }), formula: sdmGrad, tolerance: 1e-5 },
  { name: 'EnCodecBalancer', make: () => new M.EnCodecBalancer(), formula: enCodec(0.999) },
  { name: 'EnCodecBalancer(ema 0.5)', make: () => new M.EnCodecBalancer({ ema: 0.5 }), formula: enCodec(0.5) },
  { name: 'PINNAnnealing', make: () => new M.PINNAnnealing({ main: 'a' }), formula: pinn },
  {
    name: 'VQGANWeight',
    make: () => new M.VQGANWeight({ rec: 'a', gan: 'b', start: 100, weight: 0.5 }),
    formula: () => ({ t, names, rows: of }) => {
      const [rec, gan] = ['a', 'b'].map((name) => of[names.indexOf(name)]);
      return names.map((name) => (name !== 'b' ? 1 : t < 100 ? 0 : rec && gan ? 0.5 * Math.min(length(rec) / (length(gan) + 1e-4), 1e4) : 1));
    }, // biome-ignore format: one line
  },
  {
    name: 'Constrained',
    make: () => M.constrain({ main: 'a', limits: { b: 0.7, c: 1 }, lr: 0.02, damping: 0.5, max: 3 }),
    formula: () => {
      const of = perLoss(() => ({ lambda: 0 }));
      return (step) =>
        of(step).map((k, i) => {
          const over = (step.losses[i] as number) - (LIMITS[step.names[i] as string] ?? 0);
          if (step.names[i] === 'a') return 1;
          k.lambda = Math.min(Math.max(k.lambda + 0.02 * over, 0), 3);
          return k.lambda + 0.5 * Math.max(over, 0);
        });
    },
  },
  {
    name: 'FocalKPI',
    make: () => new M.FocalKPI({ gamma: 2, alpha: 0.3 }),
    formula: () => {
      const scores = new Map<string, number>();
      return (step) => {
        const w = step.names.map((name) => (scores.has(name) ? -((1 - (scores.get(name) as number)) ** 2) * Math.log(scores.get(name) as number) : 1));
        for (const [name, k] of Object.entries(scoresOf(step))) scores.set(name, scores.has(name) ? 0.3 * k + 0.7 * (scores.get(name) as number) : k);
        return w;
      };
    },
    after: (method, step) => (method as M.FocalKPI).update(scoresOf(step)),
  },
  { name: 'ema(SoftAdapt)', make: () => M.ema(new M.SoftAdapt()), formula: ema(softAdapt(), 0.9) },
  { name: 'ema(GradNorm, 0.5)', make: () => M.ema(new M.GradNorm(), 0.5), formula: ema(gradNorm, 0.5), positive: true },
  { name: 'every(3, SoftAdapt)', make: () => M.every(new M.SoftAdapt(), 3), formula: every(3, softAdapt()) },
  { name: 'every(4, PINNAnnealing)', make: () => M.every(new M.PINNAnnealing({ main: 'a' }), 4), formula: every(4, pinn) },
  { name: 'ema(every(2, normalize(Mean)))', make: () => M.ema(M.every(M.normalize(new M.Mean()), 2)), formula: ema(every(2, normalized(MEAN)), 0.9) },
  {
    name: 'warmup(Mean, EnCodecBalancer)',
    make: () => M.warmup(new M.Mean(), new M.EnCodecBalancer(), 20),
    formula: () => {
      const [first, then] = [MEAN(), enCodec(0.999)()];
      return (step) => (step.t < 20 ? first : then)(step);
    },
  },
  {
    name: 'Weighted',
    make: () => M.weighted({ a: 1, b: M.anneal.linear(0, 2, { steps: 300, from: 10 }), c: M.anneal.cosine(1, 0, { steps: 400 }) }),
    formula: () => ({ t, names }) => {
      const at: Record<string, number> = { a: 1, b: 2 * Math.min(1, Math.max(0, (t - 10) / 300)), c: t >= 400 ? 0 : (1 + Math.cos((Math.PI * t) / 400)) / 2 };
      return names.map((name) => at[name] as number);
    }, // biome-ignore format: one line
  },
];

const scoresOf = ({ names, t }: Step): Record<string, number> => Object.fromEntries(names.map((name, i) => [name, 0.1 + 0.9 * (((t * 7 + i * 3) % 10) / 10)]));

/** Numbers in [−1, 1) that depend on their place alone. */
function noise(...places: number[]): number {
  let x = 0x9e3779b9;
  for (const p of places) {
    x = Math.imul(x ^ (p + 0x7f4a7c15), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    x ^= x >>> 16;
  }
  return x / 2 ** 31;
}

const COLUMNS = 6;
interface Course {
  loss: (t: number, i: number) => number;
  /** What gradients are multiplied by. */
  scale?: (t: number, i: number) => number;
  names?: (t: number) => readonly string[];
}
const falling = (t: number, i: number): number => (1 + i) * (0.3 + Math.exp(-t / 100) + 0.2 * noise(t, i));
const VISITS = [['a', 'b', 'c'], ['a', 'b'], ['b', 'c'], ['c'], ['a', 'c'], ['b', 'a', 'c']] as const; // biome-ignore format: one line
const courses: Readonly<Record<string, Course>> = {
  positive: { loss: falling },
  negative: { loss: (t, i) => 3 * noise(t, i, 1) },
  zero: { loss: (t, i) => ((t + i) % 5 === 0 || (i === 2 && t > 300) ? 0 : falling(t, i)), scale: (t, i) => ((t + i) % 5 === 0 || (i === 2 && t > 300) ? 0 : 1) },
  'of 1e12': { loss: (t, i) => 1e12 * falling(t, i), scale: () => 1e12 },
  'of 1e-12': { loss: (t, i) => 1e-12 * falling(t, i), scale: () => 1e-12 },
  alone: { loss: falling, names: () => ['a'] },
  'that come and go': { loss: falling, names: (t) => (t < 3 ? ['a', 'b'] : (VISITS[Math.floor(Math.abs(noise(t)) * 6)] as readonly string[])) },
};

const ALL = ['a', 'b', 'c'];
function stepOf({ loss, scale = () => 1, names = () => ALL }: Course, t: number, most: number): Step {
  const present = names(t).slice(0, most);
  const places = present.map((name) => ALL.indexOf(name));
  return {
    t,
    names: present,
    losses: places.map((i) => Math.fround(loss(t, i))),
    // Rows that drift and conflict; of rank 3.
    rows: places.map((i) => Array.from({ length: COLUMNS }, (_, k) => Math.fround(scale(t, i) * (noise(i, k) + 0.4 * noise(t, i, k) + (k === i ? 2 : -0.3)) * (1 + i)))),
  };
}

/** The method's weights, or its directions, at each of the steps. */
function run({ make, direction, most = 3, after }: MemoryRow, course: Course, way: 'resumed' | 'captured'): number[][] {
  draws.manualSeed(7);
  let method = make();
  const w = tensor(new Array(COLUMNS).fill(0), { requiresGrad: true });
  const optimizer = 'parameters' in method && method.parameters().length > 0 ? new optim.Adam(method.parameters(), { lr: 0.05 }) : null;
  const step = (names: readonly string[], losses: Tensor, jacobian: Tensor): M.BackwardReport => {
    w.grad = null;
    optimizer?.zeroGrad();
    const absent = ALL.slice(0, most).filter((name) => !names.includes(name)).map((name) => [name, null]); // biome-ignore format: one line
    const present = names.map((name, i) => [name, jacobian.select(0, i).mul(w).sum().add(losses.select(0, i))]);
    const report = M.backward(Object.fromEntries([...present, ...absent]), { combine: method });
    optimizer?.step();
    return report;
  };
  const captured = capture((losses: Tensor, jacobian: Tensor) => void step(ALL.slice(0, most), losses, jacobian));
  const out: number[][] = [];
  for (let t = 0; t < STEPS; t++) {
    if (t === STEPS / 2 && way === 'resumed' && !optimizer) {
      const state = JSON.parse(JSON.stringify(method.stateDict()));
      method = make();
      method.loadStateDict(state);
    }
    const now = stepOf(course, t, most);
    const [losses, jacobian] = [tensor([...now.losses]), tensor(now.rows)];
    // Steps of a warm-up are plain.
    const report = way === 'captured' && t >= 10 ? captured(losses, jacobian) : step(now.names, losses, jacobian);
    out.push(direction || way === 'captured' ? [...(w.grad as unknown as Tensor).data()] : now.names.map((name) => (report as M.BackwardReport).weights[name] as number));
    after?.(method, now);
  }
  return out;
}

function compare(row: MemoryRow, course: Course, found: readonly number[][], asDirection: boolean): void {
  const formula = row.formula();
  found.forEach((actual, t) => {
    const step = stepOf(course, t, row.most ?? 3);
    const said = formula(step);
    const right = asDirection && !row.direction ? mixed(step.rows, said) : said;
    // What cancels in a direction leaves roundings of its terms.
    const terms = asDirection && !row.direction ? total(step.rows.map((r, i) => length(r) * Math.abs(said[i] as number))) : 0;
    const size = Math.max(...right.map(Math.abs), terms, 1e-30);
    assert.is(actual.length, right.length);
    right.forEach((v, k) => {
      assert.ok(Math.abs((actual[k] as number) - v) <= (row.tolerance ?? 1e-6) * size, `step ${t}: ${actual}, right ${right}`);
    });
  });
}

for (const row of rows) {
  for (const [what, course] of Object.entries(courses)) {
    if ((row.positive && what === 'negative') || row.without?.includes(what)) continue;
    test(`${row.name}: 500 steps of losses ${what}, resumed in the middle`, () => compare(row, course, run(row, course, 'resumed'), row.direction === true));
  }
  test(`${row.name}: 500 steps captured`, () => compare(row, courses['positive'] as Course, run(row, courses['positive'] as Course, 'captured'), true));
}

test.run();
