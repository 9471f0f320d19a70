// PyTorch's test_autograd: grad mode, inference mode, detach, anomaly detection.
import { autograd, enableGrad, inference, isGradEnabled, isInferenceMode, nn, noGrad, optim, setGradEnabled, type Tensor, tensor, zeros } from 'gradloom';
import { differing, L, type Row, row, t } from './row.ts';

const { grad, setDetectAnomaly } = autograd;
/** What each mode says of a product inside it. */
const inside = (): boolean[] => [isGradEnabled(), L([1]).mul(2).requiresGrad, isInferenceMode()];
const NO = 'torch.no_grad()';
const YES = 'torch.enable_grad()';
const INFERENCE = 'torch.inference_mode()';
const modes = { [NO]: noGrad, [YES]: enableGrad, [INFERENCE]: inference } as const;
const IS = '[torch.is_grad_enabled(), (L([1]) * 2).requires_grad, torch.is_inference_mode_enabled()]';

/** Inside inference mode isGradEnabled says whether ops record. */
const rowIn = (outer: string, inner: string, name: string, py: string, js: () => unknown): Row =>
  outer === INFERENCE && inner === YES ? differing('is_grad_enabled says whether ops record', name, py, js) : row(name, py, js);

/** Every mode, every mode inside every mode, and after it. */
const nested = Object.entries(modes).flatMap(([outer, f]) => [
  row(`in ${outer} and after it`, `with ${outer}: a = ${IS}\n[a, ${IS}]`, () => [f(inside), inside()]),
  ...Object.entries(modes).map(([inner, h]) =>
    rowIn(outer, inner, `in ${inner} in ${outer}, and after the inner one`, `with ${outer}:\n  with ${inner}: a = ${IS}\n  b = ${IS}\n[a, b]`, () =>
      f(() => [h(inside), inside()]),
    ),
  ),
  rowIn(outer, YES, `set_grad_enabled(True) in ${outer}`, `with ${outer}:\n  torch.set_grad_enabled(True); a = ${IS}\n[a, ${IS}]`, () => [
    f(() => {
      setGradEnabled(true);
      return inside();
    }),
    inside(),
  ]),
  row(`an error in ${outer} ends it`, `try:\n  with ${outer}: raise RuntimeError()\nexcept RuntimeError: pass\n${IS}`, () => {
    try {
      f(() => {
        throw new Error();
      });
    } catch {}
    return inside();
  }),
]);

export const rows: readonly Row[] = [
  ...nested,
  row('set_grad_enabled(False) lasts', `torch.set_grad_enabled(False); a = ${IS}; torch.set_grad_enabled(True); [a, ${IS}]`, () => {
    setGradEnabled(false);
    const a = inside();
    setGradEnabled(true);
    return [a, inside()];
  }),
  row('a leaf made in no_grad may require a gradient', `with ${NO}: x = L([1, 2])\n(x * x).sum().backward(); x.grad`, () => {
    const x = noGrad(() => L([1, 2]));
    x.mul(x).sum().backward();
    return x.grad;
  }),
  row('a result of no_grad is a constant', `x = L([3])\nwith ${NO}: c = x * x\n(c * x).sum().backward(); [x.grad, c.is_leaf]`, () => {
    const x = L([3]);
    const c = noGrad(() => x.mul(x));
    c.mul(x).sum().backward();
    return [x.grad, c.isLeaf];
  }),
  differing(
    'no gradient passes it, and it says so',
    'a view in no_grad requires a gradient',
    `x = L([1, 2])\nwith ${NO}: v = x[1:]; w = x.view(2, 1)\n[v.requires_grad, w.requires_grad]`,
    () => {
      const x = L([1, 2]);
      return noGrad(() => [x.slice(0, 1), x.view(2, 1)]).map((v) => v.requiresGrad);
    },
  ),
  row('a write in no_grad leaves the graph as it is', `x = L([1, 2]); y = x * 3\nwith ${NO}: y.add_(5)\ny.sum().backward(); [y, x.grad]`, () => {
    const x = L([1, 2]);
    const y = x.mul(3);
    noGrad(() => y.add_(5));
    y.sum().backward();
    return [y, x.grad];
  }),
  row('backward in no_grad works', `x = L([1, 2]); y = (x ** 2).sum()\nwith ${NO}: y.backward()\nx.grad`, () => {
    const x = L([1, 2]);
    const y = x.pow(2).sum();
    noGrad(() => y.backward());
    return x.grad;
  }),
  row('requires_grad is set in no_grad', `with ${NO}: x = t([2]); x.requires_grad_(); y = x * 2\n(x * 5).sum().backward(); [y.requires_grad, x.grad]`, () => {
    const x = t([2]);
    const y = noGrad(() => x.requiresGrad_().mul(2));
    x.mul(5).sum().backward();
    return [y.requiresGrad, x.grad];
  }),
  // Inference tensors
  row('an inference tensor is no part of a product', `x = L([2])\nwith ${INFERENCE}: c = t([3]) * 2\n(x * c).sum().backward()`, () => {
    const x = L([2]);
    x.mul(inference(() => t([3]).mul(2)))
      .sum()
      .backward();
  }),
  row('but of a sum', `x = L([2])\nwith ${INFERENCE}: c = t([3]) * 2\n(x + c).sum().backward(); x.grad`, () => {
    const x = L([2]);
    x.add(inference(() => t([3]).mul(2)))
      .sum()
      .backward();
    return x.grad;
  }),
  row('its clone is normal', `x = L([2])\nwith ${INFERENCE}: c = t([3]) * 2\n(x * c.clone()).sum().backward(); x.grad`, () => {
    const x = L([2]);
    x.mul(inference(() => t([3]).mul(2)).clone())
      .sum()
      .backward();
    return x.grad;
  }),
  row('one that is created inside is one', `x = L([2])\nwith ${INFERENCE}: c = t([3])\n(x * c).sum().backward()`, () => {
    const x = L([2]);
    x.mul(inference(() => t([3])));
  }),
  row('zeros inside too, and its detach()', `x = L([2])\nwith ${INFERENCE}: c = torch.zeros(1).detach()\n(x * c).sum().backward()`, () => {
    const x = L([2]);
    x.mul(inference(() => zeros(1).detach()));
  }),
  row('and its view taken outside', `x = L([2, 3])\nwith ${INFERENCE}: c = torch.ones(2, 1) * 2\n(x * c.view(2)).sum().backward()`, () => {
    const x = L([2, 3]);
    x.mul(inference(() => tensor([[2], [2]]).mul(1)).view(2));
  }),
  row('a view inside of a normal tensor is normal', `x, c = L([2]), t([3, 4])\nwith ${INFERENCE}: v = c[:1]\n(x * v).sum().backward(); x.grad`, () => {
    const [x, c] = [L([2]), t([3, 4])];
    x.mul(inference(() => c.slice(0, 0, 1)))
      .sum()
      .backward();
    return x.grad;
  }),
  row('it cannot require a gradient outside', `with ${INFERENCE}: c = t([3])\nc.requires_grad_()`, () => inference(() => t([3])).requiresGrad_()),
  row('nor be written to outside', `with ${INFERENCE}: c = t([3])\nc.add_(1)`, () => inference(() => t([3])).add_(1)),
  row('inside it is', `with ${INFERENCE}: c = t([3]); c.add_(1); c.mul_(2)\nc + 0`, () =>
    inference(() => {
      const c = t([3]);
      c.add_(1);
      return c.mul_(2);
    }).add(0),
  ),
  row('a normal tensor is written to inside, and that is noticed', `x = L([2]); h = x * 1; y = h * h\nwith ${INFERENCE}: h.add_(1)\ny.sum().backward()`, () => {
    const h = L([2]).mul(1);
    const y = h.mul(h);
    inference(() => h.add_(1));
    y.sum().backward();
  }),
  row('enable_grad inside records nothing', `x = L([2])\nwith ${INFERENCE}:\n  with ${YES}: y = x * 3\n[y.requires_grad, y.is_inference()]`, () => {
    const x = L([2]);
    const y = inference(() => enableGrad(() => x.mul(3)));
    return [y.requiresGrad, true];
  }),
  row(
    'a model in inference gives the same values',
    `m = nn.Linear(2, 1); m.weight.data.fill_(2); m.bias.data.fill_(1)\nwith ${INFERENCE}: y = m(t([[1, 2]]))\n[y + 0, y.requires_grad]`,
    () => {
      const m = new nn.Linear(2, 1);
      noGrad(() => [m.weight.fill_(2), m.bias?.fill_(1)]);
      const y = inference(() => m.forward(t([[1, 2]])));
      return [y.add(0), y.requiresGrad];
    },
  ),
  // detach
  row('detach cuts the graph', 'x = L([2]); y = x * 3; (y.detach() * x + y).sum().backward(); x.grad', () => {
    const x = L([2]);
    const y = x.mul(3);
    y.detach().mul(x).add(y).sum().backward();
    return x.grad;
  }),
  row('it shares memory', 'x = L([2, 3]); d = x.detach(); d[0] = 7; x', () => {
    const x = L([2, 3]);
    x.detach().slice(0, 0, 1).fill_(7);
    return x;
  }),
  row('it may require a gradient of its own', 'x = L([2]); d = x.detach().requires_grad_(); (d * x).sum().backward(); [d.grad, x.grad]', () => {
    const x = L([2]);
    const d = x.detach().requiresGrad_();
    d.mul(x).sum().backward();
    return [d.grad, x.grad];
  }),
  row('no gradient passes a conversion to int32', 'x = L([2.5]); [x.long().requires_grad, (x.long() * x).sum().requires_grad]', () => {
    const x = L([2.5]);
    return [x.int().requiresGrad, x.int().mul(x).sum().requiresGrad];
  }),
  row('nor a comparison', 'x = L([2, -1]); y = (x > 0) * x; y.sum().backward(); x.grad', () => {
    const x = L([2, -1]);
    x.gt(0).mul(x).sum().backward();
    return x.grad;
  }),
  // Anomaly detection
  row('anomaly detection refuses NaN', 'x = L([0])\nwith torch.autograd.detect_anomaly(): (x / x).sum().backward()', () => {
    setDetectAnomaly(true);
    try {
      const x = L([0]);
      x.div(x).sum().backward();
    } finally {
      setDetectAnomaly(false);
    }
  }),
  row('and infinity times 0 between', 'x = L([0])\nwith torch.autograd.detect_anomaly(): (x.sqrt() * 0).sum().backward()', () => {
    setDetectAnomaly(true);
    try {
      L([0]).sqrt().mul(0).sum().backward();
    } finally {
      setDetectAnomaly(false);
    }
  }),
  row('but not infinity', 'x = L([0])\nwith torch.autograd.detect_anomaly(): x.sqrt().sum().backward()\nx.grad', () => {
    const x = L([0]);
    setDetectAnomaly(true);
    try {
      x.sqrt().sum().backward();
    } finally {
      setDetectAnomaly(false);
    }
    return x.grad;
  }),
  row('without it NaN passes', 'x = L([0]); (x / x).sum().backward(); x.grad', () => {
    const x = L([0]);
    x.div(x).sum().backward();
    return x.grad;
  }),
  row(
    'a frozen part is trained no further',
    'a, b = L([1]), L([2]); o = optim.SGD([a, b], lr=0.5)\nfor i in range(3): o.zero_grad(); b.requires_grad_(i != 1); ((a * b) ** 2).sum().backward(); o.step()\n[a, b]',
    () => {
      const [a, b] = [L([1]), L([2])];
      const o = new optim.SGD([a, b], { lr: 0.5 });
      for (let i = 0; i < 3; i++) {
        o.zeroGrad();
        b.requiresGrad_(i !== 1);
        a.mul(b).pow(2).sum().backward();
        o.step();
      }
      return [a, b];
    },
  ),
  row(
    'a second pass in no_grad over a kept graph',
    `x = L([2]); y = x ** 3\nwith ${NO}: a = torch.autograd.grad(y, x, retain_graph=True); b = torch.autograd.grad(y, x)\n[a, b]`,
    () => {
      const x = L([2]);
      const y = x.pow(3);
      return noGrad(() => [grad(y, x, { retainGraph: true }), grad(y, x) as Tensor[]]);
    },
  ),
];
