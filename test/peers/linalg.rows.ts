// PyTorch's torch.linalg and torch.special: values, gradients and second gradients, PyTorch's in float64. Vectors that are defined up to their signs are seen
// through functions that signs do not change.
import {
  autograd,
  addbmm,
  cross,
  digamma,
  divide,
  erfc,
  erfinv,
  floorDivide,
  fmax,
  fmin,
  fmod,
  heaviside,
  hypot,
  i0,
  lgamma,
  linalg,
  logit,
  copysign,
  mvlgamma,
  polygamma,
  remainder,
  round,
  sinc,
  type Tensor,
  type TensorData,
  tensor,
  xlog1py,
  xlogy,
  zeros,
} from 'gradloom';
import { DD, I, L, type Row, t, text } from './row.ts';

export const prelude = `
def SS(f, *data):
    xs = [torch.tensor(d, dtype=torch.float64, requires_grad=True) for d in data]
    y = f(*xs)
    w = torch.sin(torch.arange(1, y.numel() + 1, dtype=torch.float64)).reshape(y.shape)
    first = torch.autograd.grad((y * w).sum(), xs, create_graph=True)
    total = sum((g * torch.cos(torch.arange(1, g.numel() + 1, dtype=torch.float64)).reshape(g.shape)).sum() for g in first)
    second = torch.autograd.grad(total, xs, allow_unused=True, materialize_grads=True) if total.requires_grad else [x * 0 for x in xs]
    return [y.detach(), *[g.detach() for g in first], *[s.detach() for s in second]]
def mT(x): return x.transpose(-2, -1)
`;

const wave = (f: (x: number) => number, x: Tensor): Tensor =>
  tensor(
    Array.from({ length: x.size }, (_, i) => f(i + 1)),
    { shape: x.shape },
  );

function SS(f: (...xs: Tensor[]) => Tensor, ...data: readonly TensorData[]): unknown {
  const xs = data.map(L);
  const y = f(...xs);
  const first = autograd.grad(y.mul(wave(Math.sin, y)).sum(), xs, { createGraph: true });
  const total = first.map((g) => g.mul(wave(Math.cos, g)).sum()).reduce((a, b) => a.add(b));
  const second = total.requiresGrad ? autograd.grad(total, xs, { allowUnused: true, materializeGrads: true }) : xs.map((x) => x.mul(0));
  return [y, ...first, ...second];
}

const mT = (x: Tensor): Tensor => x.transpose(-2, -1);
const A = [
  [2, 0.5, -1],
  [0.3, 1.5, 0.2],
  [-0.4, 0.7, 3],
];
const B3 = [
  A,
  [
    [1, 0, 0.25],
    [2, -1, 1],
    [0.5, 0.5, 0.75],
  ],
];
const DEFINITE = [
  [4, 1, 0.5],
  [1, 3, -0.25],
  [0.5, -0.25, 2],
];
const SINGULAR = [
  [1, 2, 3],
  [2, 4, 6],
  [1, 0, 1],
];
const TALL = [
  [1, 2],
  [-0.5, 1.5],
  [0.25, -1],
  [2, 0.75],
];
const WIDE = [
  [1, 2, 0.5, -1],
  [0.25, -0.75, 3, 1],
];
const LOW = [
  [1, 2],
  [2, 4],
  [-1, -2],
];
const V = [1, -2, 0.5];
const M = [
  [1, -2],
  [0.5, 0.25],
  [3, 1],
];

type Smooth = readonly [name: string, py: string, js: (...xs: Tensor[]) => Tensor, ...data: TensorData[]];
const smooth: readonly Smooth[] = [
  ['det', 'torch.linalg.det(x)', linalg.det, A],
  ['det of a batch', 'torch.linalg.det(x)', linalg.det, B3],
  ['logabsdet', 'torch.linalg.slogdet(x).logabsdet', (x) => linalg.slogdet(x).logabsdet, B3],
  ['sign of the determinant', 'torch.linalg.slogdet(x).sign + 0 * x.sum()', (x) => linalg.slogdet(x).sign.add(x.sum().mul(0)), B3],
  ['inv', 'torch.linalg.inv(x)', linalg.inv, B3],
  ['solve', 'torch.linalg.solve(x, o[0])', (x, b) => linalg.solve(x, b), B3, M],
  ['solve a vector', 'torch.linalg.solve(x, o[0])', (x, b) => linalg.solve(x, b), B3, [V, V]],
  ['solve from the right', 'torch.linalg.solve(x, o[0], left=False)', (x, b) => linalg.solve(x, b, { left: false }), A, [V, [0.5, 1, 2]]],
  ['cholesky', 'torch.linalg.cholesky(x)', (x) => linalg.cholesky(x), DEFINITE],
  ['cholesky, upper', 'torch.linalg.cholesky(x, upper=True)', (x) => linalg.cholesky(x, { upper: true }), DEFINITE],
  ['choleskySolve', 'torch.cholesky_solve(o[0], torch.linalg.cholesky(x))', (x, b) => linalg.choleskySolve(b, linalg.cholesky(x)), DEFINITE, M],
  ['solveTriangular, upper', 'torch.linalg.solve_triangular(x, o[0], upper=True)', (x, b) => linalg.solveTriangular(x, b, { upper: true }), A, M],
  [
    'solveTriangular, lower, from the right, ones on the diagonal',
    'torch.linalg.solve_triangular(x, o[0], upper=False, left=False, unitriangular=True)',
    (x, b) => linalg.solveTriangular(x, b, { upper: false, left: false, unitriangular: true }),
    A,
    [V],
  ],
  ['q of qr', 'torch.linalg.qr(x).Q', (x) => linalg.qr(x).q, TALL],
  ['r of qr', 'torch.linalg.qr(x).R', (x) => linalg.qr(x).r, TALL],
  ['q of a wide qr', 'torch.linalg.qr(x).Q', (x) => linalg.qr(x).q, WIDE],
  ['r of a wide qr', 'torch.linalg.qr(x).R', (x) => linalg.qr(x).r, WIDE],
  ['qr, complete, of a square', "torch.linalg.qr(x, mode='complete').Q", (x) => linalg.qr(x, { mode: 'complete' }).q, A],
  ['eigvalsh', 'torch.linalg.eigvalsh(x + mT(x))', (x) => linalg.eigvalsh(x.add(mT(x))), B3],
  ['eigenvalues of eigh', 'torch.linalg.eigh(x + mT(x)).eigenvalues', (x) => linalg.eigh(x.add(mT(x))).eigenvalues, B3],
  ['eigenvectors of eigh, squared', 'torch.linalg.eigh(x + mT(x)).eigenvectors.square()', (x) => linalg.eigh(x.add(mT(x))).eigenvectors.square(), B3],
  ['eigh of the upper triangle', "torch.linalg.eigh(x, UPLO='U').eigenvalues", (x) => linalg.eigh(x, 'U').eigenvalues, DEFINITE],
  ['svdvals', 'torch.linalg.svdvals(x)', linalg.svdvals, TALL],
  [
    'svdvals of equal values',
    'torch.linalg.svdvals(x).sum() + 0 * x.sum()',
    (x) => linalg.svdvals(x).sum(),
    [
      [2, 0],
      [0, 1],
    ],
  ],
  ['u of svd, squared', 'torch.linalg.svd(x, full_matrices=False).U.square()', (x) => linalg.svd(x, { fullMatrices: false }).u.square(), TALL],
  ['v of svd, squared', 'torch.linalg.svd(x, full_matrices=False).Vh.square()', (x) => linalg.svd(x, { fullMatrices: false }).vh.square(), WIDE],
  [
    'svd with other values',
    '(lambda d: (d.U * d.S.sin()) @ d.Vh)(torch.linalg.svd(x, full_matrices=False))',
    (x) => {
      const { u, s, vh } = linalg.svd(x, { fullMatrices: false });
      return u.mul(s.sin()).matmul(vh);
    },
    TALL,
  ],
  ['pinv, tall', 'torch.linalg.pinv(x)', (x) => linalg.pinv(x), TALL],
  ['pinv, wide', 'torch.linalg.pinv(x)', (x) => linalg.pinv(x), WIDE],
  ['pinv of low rank', 'torch.linalg.pinv(x, rtol=1e-6)', (x) => linalg.pinv(x), LOW],
  ['lstsq', 'torch.linalg.lstsq(x, o[0]).solution', (x, b) => linalg.lstsq(x, b).solution, TALL, [[1], [2], [-1], [0.5]]],
  ['matrixExp', 'torch.linalg.matrix_exp(x)', linalg.matrixExp, B3],
  ['matrixExp of a large one', 'torch.linalg.matrix_exp(x * 3) / 100', (x) => linalg.matrixExp(x.mul(3)).div(100), A],
  ['matrixPower', 'torch.linalg.matrix_power(x, 3)', (x) => linalg.matrixPower(x, 3), B3],
  ['matrixPower below 0', 'torch.linalg.matrix_power(x, -2)', (x) => linalg.matrixPower(x, -2), A],
  ['multiDot', 'torch.linalg.multi_dot([o[0], x, o[1]])', (x, v, m) => linalg.multiDot([v, x, m]), A, V, M],
  ...(
    [
      ['nuc', "'nuc'"],
      ['fro', "'fro'"],
      [2, '2'],
      [-2, '-2'],
      [1, '1'],
      [-1, '-1'],
      [Number.POSITIVE_INFINITY, 'inf'],
      [Number.NEGATIVE_INFINITY, '-inf'],
    ] as const
  ).map(([ord, py]): Smooth => [`matrixNorm ${ord}`, `torch.linalg.matrix_norm(x, ${py})`, (x) => linalg.matrixNorm(x, ord), TALL]),
  ['norm of everything', 'torch.linalg.norm(x)', (x) => linalg.norm(x), B3],
  ['norm 3 of rows', 'torch.linalg.norm(x, 3, dim=-1)', (x) => linalg.norm(x, 3, -1), A],
  ['vectorNorm −1', 'torch.linalg.vector_norm(x, -1)', (x) => linalg.vectorNorm(x, -1), A],
  ['linalg.cross', 'torch.linalg.cross(x, o[0])', (a, b) => linalg.cross(a, b), A, [V]],
  [
    'cross',
    'torch.cross(x, o[0], dim=0)',
    (a, b) => cross(a, b, 0),
    M,
    [
      [1, 2],
      [3, -1],
      [0, 4],
    ],
  ],
  ['addbmm', 'torch.addbmm(o[0], x, x, beta=0.5, alpha=2)', (x, c) => addbmm(c, x, x, { beta: 0.5, alpha: 2 }), B3, V],
  ['lgamma', 'torch.lgamma(x)', lgamma, [0.3, 1, 2.5, -0.7, -2.3, 9]],
  ['digamma', 'torch.digamma(x)', digamma, [0.3, 1, 2.5, -0.7, 9]],
  ['polygamma', 'torch.polygamma(2, x)', (x) => polygamma(2, x), [0.6, 1, 2.5, 9]],
  ['mvlgamma', 'torch.mvlgamma(x, 3)', (x) => mvlgamma(x, 3), [1.3, 2.5, 9]],
  ['erfc', 'torch.erfc(x)', erfc, [-2, -0.1, 0, 0.7, 3, 5]],
  ['erfinv', 'torch.erfinv(x)', erfinv, [-0.9, -0.1, 0, 0.5]],
  ['i0', 'torch.special.i0(x)', i0, [-3, 0, 0.5, 4]],
  ['sinc', 'torch.sinc(x)', sinc, [-2.5, -1, 1e-3, 0.4, 7.3]],
  ['logit', 'torch.logit(x)', (x) => logit(x), [0.01, 0.3, 0.5, 0.99]],
  ['logit kept within', 'torch.logit(x, 0.1)', (x) => logit(x, 0.1), [-1, 0.01, 0.1, 0.3, 0.9, 2]],
  ['xlogy', 'torch.xlogy(x, o[0])', xlogy, [0, 0, 1, -2], [0, 2, 3, 0.5]],
  ['xlog1py', 'torch.special.xlog1py(x, o[0])', xlog1py, [0, 0, 1, -2], [-1, 2, 3, 0.5]],
  ['hypot', 'torch.hypot(x, o[0])', hypot, [3, -1, 0.5], [4, 2, -2]],
];

const NUMBERS = [7, -7, 7.5, -7.5, 0, -0, 1e20, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
const DIVISORS = [2, -2, 0.3, -0.3, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN];
const grid = (of: (a: number[], b: number[]) => unknown): unknown =>
  of(
    NUMBERS.flatMap((a) => DIVISORS.map(() => a)),
    NUMBERS.flatMap(() => DIVISORS),
  );
const pairs = [
  ['fmod', 'torch.fmod', fmod],
  ['remainder', 'torch.remainder', remainder],
  ['floorDivide', 'torch.floor_divide', floorDivide],
  ['divide, trunc', 'lambda a, b: torch.div(a, b, rounding_mode="trunc")', (a: Tensor, b: Tensor) => divide(a, b, { roundingMode: 'trunc' })],
  ['divide, floor', 'lambda a, b: torch.div(a, b, rounding_mode="floor")', (a: Tensor, b: Tensor) => divide(a, b, { roundingMode: 'floor' })],
  ['copysign', 'torch.copysign', copysign],
  ['fmax', 'torch.fmax', fmax],
  ['fmin', 'torch.fmin', fmin],
  ['heaviside', 'torch.heaviside', heaviside],
  ['hypot of anything', 'torch.hypot', hypot],
  ['xlogy of anything', 'torch.xlogy', xlogy],
] as const;
const WHOLE = [7, -7, 6, 0, 2147483647];
const STEPS = [2, -2, 3, -5];

// Ours is float32 throughout: the second gradient of a decomposition is a chain of about thirty products and quotients.
const tolerance = [1e-4, 1e-4] as const;

export const rows: readonly Row[] = [
  ...smooth.map(([name, py, js, ...data]): Row => ({ name, py: `SS(lambda x, *o: ${py}, ${data.map(text).join(', ')})`, js: () => SS(js, ...data), tolerance })),
  ...pairs.map(
    ([name, py, js]): Row => ({ name: `${name} of floats`, py: `(${py})(t(${grid((a) => text(a))}), t(${grid((_, b) => text(b))}))`, js: () => grid((a, b) => js(t(a), t(b))) }),
  ),
  ...pairs.slice(0, 5).map(
    ([name, py, js]): Row => ({
      name: `${name} of whole numbers`,
      py: `(${py})(I(${text(WHOLE.flatMap((a) => STEPS.map(() => a)))}), I(${text(WHOLE.flatMap(() => STEPS))}))`,
      js: () => js(I(WHOLE.flatMap((a) => STEPS.map(() => a))), I(WHOLE.flatMap(() => STEPS))),
    }),
  ),
  ...pairs
    .slice(0, 5)
    .map(([name, py, js]): Row => ({ name: `${name} of a whole number by 0 is refused`, py: `(${py})(I([1, 2]), I([1, 0]))`, js: () => js(I([1, 2]), I([1, 0])) })),
  ...(
    [
      ['inv', 'torch.linalg.inv', linalg.inv],
      ['cholesky', 'torch.linalg.cholesky', (x: Tensor) => linalg.cholesky(x)],
      ['solve', 'lambda x: torch.linalg.solve(x, x)', (x: Tensor) => linalg.solve(x, x)],
    ] as const
  ).map(([name, py, js]): Row => ({ name: `${name} of a singular matrix is refused`, py: `(${py})(t(${text(SINGULAR)}))`, js: () => js(t(SINGULAR)) })),
  {
    name: 'det and slogdet of a singular matrix',
    py: `[*torch.linalg.slogdet(torch.zeros(2, 2)), torch.linalg.det(torch.zeros(2, 2))]`,
    js: () => [
      ...Object.values(
        linalg.slogdet(
          t([
            [0, 0],
            [0, 0],
          ]),
        ),
      ),
      linalg.det(
        t([
          [0, 0],
          [0, 0],
        ]),
      ),
    ],
  },
  {
    name: 'the gradient of det at a singular matrix',
    py: `D(lambda x: torch.linalg.det(x), ${text(SINGULAR)})[1]`,
    js: () => {
      const x = L(SINGULAR);
      linalg.det(x).backward();
      return x.grad;
    },
    tolerance,
  },
  {
    name: 'the second derivative of sinc at 0',
    py: 'DD(torch.sinc, [0.0])',
    js: () => DD(sinc, [0]),
    differs: 'it is −π²/3; PyTorch divides 0 by 0',
  },
  {
    name: 'matrixRank',
    py: `[torch.linalg.matrix_rank(t(${text(LOW)})), torch.linalg.matrix_rank(t(${text(B3)})), torch.linalg.matrix_rank(t(${text(DEFINITE)}), atol=2.5, hermitian=True)]`,
    js: () => [linalg.matrixRank(t(LOW)), linalg.matrixRank(t(B3)), linalg.matrixRank(t(DEFINITE), { atol: 2.5, hermitian: true })],
  },
  {
    name: 'lstsq: residuals and rank',
    py: `(lambda r: [r.residuals, r.rank, r.singular_values])(torch.linalg.lstsq(t(${text(TALL)}), t(${text([[1], [2], [-1], [0.5]])}), driver='gelsd'))`,
    js: () => {
      const r = linalg.lstsq(t(TALL), t([[1], [2], [-1], [0.5]]));
      return [r.residuals, r.rank, r.singularValues];
    },
  },
  { name: 'lstsq of low rank', py: `torch.linalg.lstsq(t(${text(LOW)}), t(${text(M)}), driver='gelsd').solution`, js: () => linalg.lstsq(t(LOW), t(M)).solution },
  {
    name: 'svd: full matrices',
    py: `(lambda d: [d.U.shape, d.S, d.Vh.shape, d.U @ d.U.T])(torch.linalg.svd(t(${text(TALL)})))`,
    js: () => {
      const { u, s, vh } = linalg.svd(t(TALL));
      return [u.shape, s, vh.shape, u.matmul(u.t())];
    },
  },
  {
    name: 'qr: complete and r',
    py: `[*torch.linalg.qr(t(${text(TALL)}), mode='complete'), torch.linalg.qr(t(${text(TALL)}), mode='r').R]`,
    js: () => [...Object.values(linalg.qr(t(TALL), { mode: 'complete' })), linalg.qr(t(TALL), { mode: 'r' }).r],
  },
  {
    name: 'qr: complete of a tall matrix has no gradient: refused',
    py: `D(lambda x: torch.linalg.qr(x, mode='complete').R, ${text(TALL)})`,
    js: () => {
      const x = L(TALL);
      linalg.qr(x, { mode: 'complete' }).r.sum().backward();
      return x.grad;
    },
  },
  {
    name: 'nothing',
    py: `[torch.linalg.det(torch.zeros(2, 0, 0)), torch.linalg.inv(torch.zeros(0, 3, 3)), torch.linalg.svdvals(torch.zeros(2, 0, 3)), torch.linalg.pinv(torch.zeros(0, 3)).shape, torch.linalg.eigvalsh(torch.zeros(0, 0)), torch.linalg.matrix_exp(torch.zeros(0, 0))]`,
    js: () => [
      linalg.det(zeros(2, 0, 0)),
      linalg.inv(zeros(0, 3, 3)),
      linalg.svdvals(zeros(2, 0, 3)),
      linalg.pinv(zeros(0, 3)).shape,
      linalg.eigvalsh(zeros(0, 0)),
      linalg.matrixExp(zeros(0, 0)),
    ],
  },
  {
    name: 'round to decimals',
    py: 'torch.round(t([1.25, -0.15, 123.456, 2.5]), decimals=1), torch.round(t([149.0, 151.0, -250.0]), decimals=-2)',
    js: () => [round(t([1.25, -0.15, 123.456, 2.5]), 1), round(t([149, 151, -250]), { decimals: -2 })],
  },
];
