// What changes between two calls of a captured step, or goes on inside it: the captured step does what the plain one does, or says CAPTURE.
import {
  arange,
  autograd,
  bernoulli,
  capture,
  eye,
  full,
  GradloomError,
  inference,
  keep,
  linspace,
  manualSeed,
  multiloss,
  nn,
  noGrad,
  ones,
  optim,
  rand,
  randn,
  scope,
  setGradEnabled,
  type Tensor,
  tensor,
  zeros,
} from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

/** A world: a step, what changes it, what is seen of it after each call. */
interface World {
  step: (x: Tensor, beta: Tensor) => unknown;
  /** What is seen beside parameters and gradients. */
  seen?: () => unknown;
  parameters?: Tensor[];
  /** Inputs of call i. */
  inputs?: (i: number) => [Tensor, number];
  /** Runs around each call. */
  around?: (run: () => unknown, i: number) => unknown;
  /** Runs before call i. */
  before?: (i: number) => void;
}

const CALLS = 20;
const bits = (t: Tensor | null): string => (t ? `${t.shape}: ${t.data().join()}` : 'null');

/** What a world shows, call by call; what it threw last. */
function history(make: () => World, captured: boolean): { lines: string[]; error: unknown } {
  manualSeed(7);
  const world = make();
  const { step, seen, parameters = [], before, inputs = () => [randn([4, 3]), 0.5] as [Tensor, number], around = (run) => run() } = world;
  const run = captured ? capture(step) : (x: Tensor, beta: number) => scope(() => step(x, tensor(beta)));
  const lines: string[] = [];
  for (let i = 0; i < CALLS; i++) {
    try {
      scope(() => {
        before?.(i);
        const result = around(() => (run as (x: Tensor, beta: number) => unknown)(...inputs(i)), i);
        const shown = JSON.stringify(result, (_, v) => (v !== null && typeof v === 'object' && 'dtype' in v ? bits(v as Tensor) : v));
        lines.push([shown, ...parameters.map(bits), ...parameters.map((p) => bits(p.grad)), JSON.stringify(seen?.())].join(' | '));
      });
    } catch (error) {
      return { lines, error };
    }
  }
  return { lines, error: null };
}

type Expected = 'same' | RegExp;

/** Runs a world plainly and captured. `RegExp`: of the CAPTURE that the captured one ends in, at the latest at call 17 (from 1), and all calls before are right. */
function compare(name: string, expected: Expected, make: () => World): void {
  test(name, () => {
    const [plain, got] = [history(make, false), history(make, true)];
    assert.is(plain.error, null, `plain: ${plain.error}`);
    if (expected === 'same') {
      assert.is(got.error, null, `${got.error}`);
      for (const [i, line] of plain.lines.entries()) assert.ok(got.lines[i] === line, `call ${i + 1}:\n${got.lines[i]}\nfor\n${line}`);
      return;
    }
    assert.instance(got.error, GradloomError, `${got.error}`);
    assert.is((got.error as GradloomError).code, 'CAPTURE', `${got.error}`);
    assert.match((got.error as GradloomError).message, expected);
    assert.ok(got.lines.length <= 16, `noticed at call ${got.lines.length + 1}`);
  });
}

const F = nn.functional;

class Pair {
  readonly t: Tensor;
  constructor(t: Tensor) {
    this.t = t;
  }
}

/** A small network with an optimizer; `change` runs before the call of that number (from 0) and gets its parts. */
interface Parts {
  model: nn.Sequential;
  first: nn.Linear;
  last: nn.Linear;
  drop: nn.Dropout;
  norm: nn.BatchNorm1d;
  optimizer: optim.Adam;
  extra: nn.Parameter;
}
function parts(): Parts {
  const [first, norm, drop, last] = [new nn.Linear(3, 5), new nn.BatchNorm1d(5), new nn.Dropout(0.4), new nn.Linear(5, 1)];
  const model = new nn.Sequential(first, norm, new nn.Tanh(), drop, last);
  const extra = new nn.Parameter(ones([1]));
  return { model, first, norm, drop, last, extra, optimizer: new optim.Adam(model.parameters(), { lr: 0.05 }) };
}
const lossOf = ({ model, extra }: Parts, x: Tensor): Tensor => model.forward(x).add(extra).square().mean();
function trained(change: (p: Parts, i: number) => void, plainStep?: (p: Parts, x: Tensor, beta: Tensor) => unknown): World {
  const p = parts();
  return {
    step: (x, beta) => {
      if (plainStep) return plainStep(p, x, beta);
      p.optimizer.zeroGrad();
      p.extra.grad = null;
      const loss = lossOf(p, x);
      loss.backward();
      p.optimizer.step();
      return loss;
    },
    parameters: [...p.model.parameters(), p.extra],
    seen: () => [p.norm.runningMean?.toArray(), p.model.training, p.first.weight.requiresGrad],
    before: (i) => change(p, i),
  };
}
/** Changes at calls 6 (when it is replayed), and back at 12. */
const at = (there: (p: Parts) => void, back?: (p: Parts) => void) => (p: Parts, i: number) => {
  if (i === 5) there(p);
  if (i === 11) back?.(p);
};
const group = (p: Parts): Record<string, unknown> => p.optimizer.paramGroups[0] as unknown as Record<string, unknown>;

// Between calls.
const changes: Record<string, (p: Parts, i: number) => void> = {
  nothing: () => {},
  'eval() and train()': at(
    (p) => p.model.eval(),
    (p) => p.model.train(),
  ),
  'training of one module by hand': at((p) => {
    p.drop.training = false;
  }),
  'freezing and unfreezing': at(
    (p) => {
      p.first.weight.requiresGrad = false;
    },
    (p) => {
      p.first.weight.requiresGrad = true;
    },
  ),
  'requiresGrad_ of a module': at(
    (p) => p.last.requiresGrad_(false),
    (p) => p.last.requiresGrad_(),
  ),
  'unfreezing what was frozen': (p, i) => {
    if (i === 0 || i === 6) p.first.requiresGrad_(i > 0);
  },
  'unfreezing before the second call': (p, i) => {
    if (i < 2) p.first.requiresGrad_(i > 0);
  },
  'lr, betas, eps, weightDecay': at((p) => Object.assign(group(p), { lr: 0.01, betas: [0.8, 0.99], eps: 1e-6, weightDecay: 0.1 })),
  maximize: at(
    (p) => {
      group(p)['maximize'] = true;
    },
    (p) => {
      group(p)['maximize'] = false;
    },
  ),
  amsgrad: at(
    (p) => {
      group(p)['amsgrad'] = true;
    },
    (p) => {
      group(p)['amsgrad'] = false;
    },
  ),
  addParamGroup: at((p) => p.optimizer.addParamGroup({ params: [p.extra], lr: 0.01 })),
  'loadStateDict of the optimizer': at((p) => p.optimizer.loadStateDict(p.optimizer.stateDict())),
  'a state of before': (() => {
    let saved: ReturnType<optim.Adam['stateDict']>;
    return at(
      (p) => {
        saved = p.optimizer.stateDict();
        for (const s of Object.values(saved.state)) for (const [k, t] of Object.entries(s)) s[k] = keep(t.clone());
      },
      (p) => p.optimizer.loadStateDict(saved),
    );
  })(),
  'loadStateDict of the module': at((p) => p.first.loadStateDict({ weight: ones([5, 3]), bias: zeros([5]) })),
  'a parameter written to': at((p) => noGrad(() => p.first.weight.mul_(0.5))),
  'gradients cleared or set outside': (p, i) => {
    if (i % 3 === 0) p.first.weight.grad = ones([5, 3]);
    else if (i % 3 === 1) p.optimizer.zeroGrad();
  },
  'the seed': at(() => manualSeed(3)),
  'a forward hook, put on and off': (() => {
    let handle: { remove(): void };
    return at(
      (p) => {
        handle = p.first.registerForwardHook((_, __, y) => (y as Tensor).mul(2));
      },
      () => handle.remove(),
    );
  })(),
  'anomaly detection': at(
    () => autograd.setDetectAnomaly(true),
    () => autograd.setDetectAnomaly(false),
  ),
};
for (const [name, change] of Object.entries(changes)) compare(`between calls: ${name}`, 'same', () => trained(change));
compare('between calls: a hook on a parameter', /registerHook: a hook runs inside a captured step.*Remove it/s, () =>
  trained(at((p) => void p.first.weight.registerHook((g) => g.mul(2)))),
);
compare('between calls: a hook after accumulation', /a hook runs/, () => trained(at((p) => void p.first.weight.registerPostAccumulateGradHook(() => {}))));
compare('between calls: another parameter in its place', /takes another tensor.*release\(\)/s, () =>
  trained(
    at((p) => {
      (p.first as { weight: nn.Parameter }).weight = keep(new nn.Parameter(ones([5, 3])));
    }),
  ),
);
compare("between calls: a module's number", /flags|number/, () =>
  trained(
    at((p) => {
      (p.norm as unknown as { eps: number }).eps = 0.1;
    }),
  ),
);

/** One parameter and SGD: flags that Adam has not. */
function small(
  options: optim.SGDOptions | undefined,
  change: (g: Record<string, unknown>, i: number) => void,
  make: (p: Tensor[]) => { zeroGrad(): void; step(): void; paramGroups: unknown[] } = (p) => new optim.SGD(p, { lr: 0.1, ...options }),
): World {
  const p = new nn.Parameter(ones([3]));
  const optimizer = make([p]);
  return {
    step: (x) => {
      optimizer.zeroGrad();
      const loss = p.mul(x).square().sum();
      loss.backward();
      optimizer.step();
      return loss;
    },
    parameters: [p],
    before: (i) => change(optimizer.paramGroups[0] as Record<string, unknown>, i),
  };
}
compare('between calls: momentum from 0 and to 0', 'same', () =>
  small({}, (g, i) => {
    if (i === 5 || i === 11) g['momentum'] = i === 5 ? 0.9 : 0;
  }),
);
compare('between calls: nesterov', 'same', () =>
  small({ momentum: 0.9 }, (g, i) => {
    if (i === 5) g['nesterov'] = true;
  }),
);
compare("between calls: RMSprop's centered and momentum", 'same', () =>
  small(
    undefined,
    (g, i) => {
      if (i === 5) g['centered'] = true;
      if (i === 9) g['momentum'] = 0.5;
    },
    (p) => new optim.RMSprop(p),
  ),
);
compare("between calls: NAdam's decoupledWeightDecay", 'same', () =>
  small(
    undefined,
    (g, i) => {
      if (i === 5) g['decoupledWeightDecay'] = true;
    },
    (p) => new optim.NAdam(p, { weightDecay: 0.1 }),
  ),
);

for (const [name, change] of [
  ['a group is taken out', (groups) => void groups.pop()],
  ['groups in another order', (groups) => void groups.reverse()],
] as [string, (groups: optim.Optimizer<never>['paramGroups']) => void][]) {
  compare(`between calls: ${name}`, 'same', () => {
    const [a, b] = [new nn.Parameter(ones([3])), new nn.Parameter(ones([3]))];
    const optimizer = new optim.Adam([{ params: [a] }, { params: [b], lr: 0.1 }]);
    return {
      step: (x) => {
        optimizer.zeroGrad();
        const loss = a.mul(x).add(b).square().sum();
        loss.backward();
        optimizer.step();
        return loss;
      },
      parameters: [a, b],
      before: (i) => {
        if (i === 6) change(optimizer.paramGroups as never);
      },
    };
  });
}

// Modes around calls.
const forward = (): World => {
  const p = parts();
  return {
    step: (x) => {
      const y = p.model.forward(x);
      return { y, asks: y.requiresGrad ? ones([1]) : zeros([1]) };
    },
    parameters: p.model.parameters(),
  };
};
compare('around calls: noGrad at some', 'same', () => ({ ...forward(), around: (run, i) => (i % 4 < 2 ? noGrad(run) : run()) }));
compare('around calls: inference at some', 'same', () => ({ ...forward(), around: (run, i) => (i % 4 < 2 ? inference(run) : run()) }));
compare('around calls: setGradEnabled', 'same', () => ({
  ...forward(),
  around: (run, i) => {
    setGradEnabled(i % 5 > 1);
    try {
      return run();
    } finally {
      setGradEnabled(true);
    }
  },
}));

// Inputs.
compare('inputs: a last, smaller batch', 'same', () => ({ ...trained(() => {}), inputs: (i) => [randn([i % 4 === 3 ? 2 : 4, 3]), 1] }));
compare('inputs: more shapes than are kept', 'same', () => ({ ...trained(() => {}), inputs: (i) => [randn([2 + (i % 11), 3]), 1] }));
compare('inputs: views of any strides', 'same', () => ({ ...trained(() => {}), inputs: (i) => [i % 2 ? randn([3, 4]).t() : randn([4, 3]), 1] }));
compare('inputs: numbers that change', 'same', () => ({
  ...trained(
    () => {},
    (p, x, beta) => {
      p.optimizer.zeroGrad();
      const loss = lossOf(p, x).mul(beta).add(x.square().mean().pow(beta));
      loss.backward();
      p.optimizer.step();
      return loss;
    },
  ),
  inputs: (i) => [randn([4, 3]), 1 / (i + 1)],
}));

// Gradients that gather over calls.
const micro = (p: Parts, x: Tensor): Tensor => {
  const loss = lossOf(p, x).div(4);
  loss.backward();
  return loss;
};
compare('accumulation: zeroGrad and step outside', 'same', () =>
  trained((p, i) => {
    if (i % 4 === 0) {
      if (i > 0) p.optimizer.step();
      p.optimizer.zeroGrad();
      p.extra.grad = null;
    }
  }, micro),
);
compare('accumulation: zeros outside', 'same', () =>
  trained((p, i) => {
    if (i % 4 === 0 && i > 0) p.optimizer.step();
    if (i % 4 === 0) p.optimizer.zeroGrad({ setToNull: false });
  }, micro),
);
compare('accumulation: never cleared', 'same', () => trained(() => {}, micro));
compare('accumulation: other tensors as gradients, which others hold', 'same', () => {
  const flat = zeros([20]);
  const w = trained((p, i) => {
    if (i % 5 === 0) p.first.weight.grad = i % 2 ? flat.narrow(0, 0, 15).reshape([5, 3]) : ones([5, 3]);
  }, micro);
  return { ...w, seen: () => flat.toArray() };
});
compare('accumulation: the optimizer alone is captured', 'same', () =>
  trained(
    (p, i) => {
      p.optimizer.zeroGrad();
      scope(() => lossOf(p, ones([2 + i, 3])).backward());
    },
    (p) => p.optimizer.step(),
  ),
);
compare('accumulation: clipping alone is captured', 'same', () =>
  trained(
    (p, i) => {
      if (i % 3 === 0) p.optimizer.zeroGrad();
      scope(() => lossOf(p, ones([2 + i, 3])).backward());
    },
    (p) => nn.clipGradNorm_(p.model.parameters(), 0.1),
  ),
);
compare('accumulation: the gradient before is used, then replaced', 'same', () =>
  trained(
    () => {},
    (p, x) => {
      const old = p.first.weight.grad;
      const memory = old ? old.mul(0.9) : null;
      p.optimizer.zeroGrad();
      const loss = lossOf(p, x);
      loss.backward();
      if (memory) noGrad(() => (p.first.weight.grad as Tensor).add_(memory));
      p.optimizer.step();
      return [loss, ...(old ? [old] : [])];
    },
  ),
);

// Numbers and decisions of the host: n is the number of the call, from 0.
const hosted = (step: (x: Tensor, n: number) => unknown): World => {
  let n = 0;
  return {
    step: (x) => step(x, n),
    before: (i) => {
      n = i;
    },
  };
};
const tanhs = (x: Tensor, times: number): Tensor => {
  let y = x;
  for (let i = 0; i < times; i++) y = y.tanh();
  return y;
};
const two = [ones([3]), zeros([3])] as const;
const hostly: Record<string, readonly [RegExp, (x: Tensor, n: number) => unknown]> = {
  'an annealed number': [/mul \(.*changes\.test.*takes the number 2, where 1 was recorded.*pass a number that changes as an input/is, (x, n) => x.mul(n)],
  'a number that rests first': [/takes the number 3, where 2/, (x, n) => x.div(n < 6 ? 2 : 3)],
  'a filled tensor': [/fill.*writes another number/, (x, n) => x.add(full([3], n < 7 ? 0.5 : 0.25))],
  'a branch': [/sin.*another branch/, (x, n) => (n < 7 ? x.exp() : x.sin())],
  'a branch that makes no call': [/returns another tensor/, (x, n) => [x.exp(), x.sin()][n < 7 ? 0 : 1]],
  'a loop that grows': [/loops more often/, (x, n) => tanhs(x, 3 + Math.floor(n / 7))],
  'a loop that shrinks': [/ends where tanh was recorded/, (x, n) => tanhs(x, 9 - Math.floor(n / 7))],
  'a number in the result': [/returns \{ y: .*, n: 2 \}, where .*n: 1/, (x, n) => ({ y: x.exp(), n })],
  'a size': [/recorded/, (x, n) => x.narrow(0, 0, n < 7 ? 2 : 3).exp()],
  'a probability': [/dropoutMask|fill|number/, (x, n) => F.dropout(x, { p: n < 7 ? 0.2 : 0.6 })],
  'another tensor from outside': [/takes another tensor/, (x, n) => x.add(two[n < 7 ? 0 : 1] as Tensor)],
  'a sequence': [/copy.*takes another tensor/, (x, n) => x.sum().add(arange(n < 7 ? 0 : 1, 5))],
};
for (const [name, [message, step]] of Object.entries(hostly)) compare(`host: ${name}`, message, () => hosted(step));
compare('host: a rate that the step sets', /sets an optimizer's rate/, () => {
  let n = 0;
  return trained(
    () => {},
    (p, x) => {
      group(p)['lr'] = 0.1 / ++n;
      p.optimizer.zeroGrad();
      lossOf(p, x).backward();
      p.optimizer.step();
    },
  );
});
// Inside the step.
compare('inside: flags set and left', 'same', () =>
  trained(
    (p) => {
      p.first.requiresGrad_();
      p.model.train();
    },
    (p, x) => {
      p.first.requiresGrad_(false);
      p.drop.eval();
      p.optimizer.zeroGrad();
      const loss = lossOf(p, x);
      loss.backward();
      p.optimizer.step();
      p.norm.eval();
      return loss;
    },
  ),
);
compare('inside: flags set for a part of it', 'same', () =>
  trained(
    () => {},
    (p, x) => {
      p.optimizer.zeroGrad();
      p.first.requiresGrad_(false);
      const frozen = lossOf(p, x);
      p.first.requiresGrad_();
      const loss = noGrad(() => lossOf(p, x)).add(frozen);
      loss.backward();
      p.optimizer.step();
      return loss;
    },
  ),
);
compare('inside: sequences with constant arguments', 'same', () => ({
  step: (x) => [x.add(arange(3)).mm(eye(3, 2)), linspace(0, 1, 4), arange(4).add_(1), arange(2, 9, 2), eye(2, 3, { dtype: 'int32' }), linspace(0, 1, 3, { requiresGrad: true })],
}));
compare('inside: a leaf made by detach', 'same', () => {
  const grid = rand([3, 3]);
  return trained(
    () => {},
    (p, x) => {
      p.optimizer.zeroGrad();
      const [t, s] = [grid.detach().requiresGrad_(), x.detach().requiresGrad_()];
      const u = p.model.forward(t).add(p.model.forward(s).mean());
      const [du] = autograd.grad(u.sum(), t, { createGraph: true });
      const loss = (du as Tensor).square().mean().add(u.square().mean());
      loss.backward();
      p.optimizer.step();
      return { loss, grads: new Map([['t', t.grad]]) };
    },
  );
});
compare('inside: an input as a leaf, its gradient asked for', 'same', () => ({
  step: (x) => {
    const t = x.detach().requiresGrad_();
    return autograd.grad(t.square().sum(), t);
  },
}));
compare('inside: an input gathers a gradient', /input 0 gathers a gradient.*detach\(\)\.requiresGrad_\(\)/s, () => ({
  step: (x) => {
    x.requiresGrad_();
    x.square().sum().backward();
    return x;
  },
  inputs: () => [ones([4, 3]), 1],
}));
compare('inside: an input is written to', /input 0 is written to in place.*Clone/s, () => ({ step: (x) => x.add_(1) }));
compare('inside: keep', /keep: a tensor is kept/, () => ({ step: (x) => keep(x.exp()) }));
compare('inside: a scheduler', /ExponentialLR.*inside a captured step \(.*changes\.test.*after/is, () => {
  let scheduler: optim.lrScheduler.ExponentialLR | undefined;
  return trained(
    () => {},
    (p, x) => {
      scheduler ??= new optim.lrScheduler.ExponentialLR(p.optimizer, { gamma: 0.5 });
      p.optimizer.zeroGrad();
      lossOf(p, x).backward();
      p.optimizer.step();
      scheduler.step();
    },
  );
});
compare('inside: a scheduler that watches', /ReduceLROnPlateau.*inside a captured step/, () => {
  let scheduler: optim.lrScheduler.ReduceLROnPlateau | undefined;
  return trained(
    () => {},
    (p) => {
      scheduler ??= new optim.lrScheduler.ReduceLROnPlateau(p.optimizer);
      scheduler.step(1);
    },
  );
});
compare('after it: a scheduler', 'same', () => {
  let scheduler: optim.lrScheduler.ExponentialLR | undefined;
  return trained((p, i) => {
    scheduler ??= new optim.lrScheduler.ExponentialLR(p.optimizer, { gamma: 0.9 });
    if (i > 0) scheduler.step();
  });
});
compare('inside: a state is loaded', /state is replaced inside/, () =>
  trained(
    () => {},
    (p, x) => {
      p.optimizer.zeroGrad();
      lossOf(p, x).backward();
      p.optimizer.loadStateDict(p.optimizer.stateDict());
      p.optimizer.step();
    },
  ),
);
compare('inside: an object with tensors in it', /returns an object of Pair.*plain object/, () => ({ step: (x) => new Pair(x.exp()) }));

// Several losses.
function several(method: () => multiloss.Method, change: (m: never, i: number) => void, options: Partial<World> & { step?: never } = {}): World {
  const p = new nn.Parameter(tensor([1, -2, 0.5]));
  const optimizer = new optim.SGD([p], { lr: 0.05 });
  const m = method();
  let report: unknown;
  return {
    step: (x) => {
      optimizer.zeroGrad();
      const y = p.mul(x).sum({ dim: 1 });
      report = multiloss.backward({ a: y.sub(1).square().mean(), b: y.add(2).square().mean().add(p.abs().sum()) }, { combine: m });
      optimizer.step();
      return report;
    },
    parameters: [p],
    seen: () => JSON.stringify(report),
    before: (i) => change(m as never, i),
    ...options,
  };
}
const resets = (m: { reset(): void }, i: number): void => {
  if (i === 5 || i === 13) m.reset();
};
const methods: Record<string, () => multiloss.Method & multiloss.Stateful> = {
  ExcessMTL: () => new multiloss.ExcessMTL(),
  STCH: () => new multiloss.STCH(),
  UPGrad: () => new multiloss.UPGrad(),
  GradNorm: () => new multiloss.DWA(),
  ema: () => multiloss.ema(new multiloss.PCGrad()),
  every: () => multiloss.every(new multiloss.PCGrad(), 3),
  warmup: () => multiloss.warmup(new multiloss.Mean(), new multiloss.UPGrad(), 4),
};
for (const [name, make] of Object.entries(methods)) {
  compare(`${name}: as it is`, 'same', () => several(make, () => {}));
  compare(`${name}: reset()`, 'same', () => several(make, resets as never));
  compare(`${name}: loadStateDict`, 'same', () => {
    let saved: Record<string, unknown>;
    return several(make, ((m: multiloss.Stateful, i: number) => {
      if (i === 4) saved = JSON.parse(JSON.stringify(m.stateDict()));
      if (i === 9) m.loadStateDict(saved);
    }) as never);
  });
}
const learned = (change: (m: multiloss.UncertaintyWeighting, i: number) => void): World => {
  const p = new nn.Parameter(tensor([1, -2, 0.5]));
  const method = new multiloss.UncertaintyWeighting(2);
  const optimizer = new optim.SGD([p, ...method.parameters()], { lr: 0.02 });
  return {
    step: (x) => {
      optimizer.zeroGrad();
      const y = p.mul(x).sum({ dim: 1 });
      const report = multiloss.backward({ a: y.square().mean(), b: y.add(2).square().mean() }, { combine: method });
      optimizer.step();
      return report;
    },
    parameters: [p, ...method.parameters()],
    seen: () => method.stateDict(),
    before: (i) => change(method, i),
  };
};
compare('learnt weights: a state with the losses in another order', 'same', () => learned((m, i) => i === 6 && m.loadStateDict({ s: [1, -1], names: ['b', 'a'] })));
compare('learnt weights: reset()', 'same', () => learned((m, i) => i === 6 && m.reset()));
test('a batch that a captured step refuses leaves schedules where they were, as it does in the plain step', () => {
  for (const captured of [false, true]) {
    const p = new nn.Parameter(ones([3]));
    const method = multiloss.weighted({ a: 1, b: multiloss.anneal.linear(0, 1, { steps: 50 }) });
    const plain = (x: Tensor): unknown => multiloss.backward({ a: p.mul(x).sum(), b: p.square().sum() }, { combine: method });
    const step = captured ? capture(plain) : plain;
    for (let i = 0; i < 12; i++) {
      // The recorded call, one that is compared, and one that is replayed.
      if (i !== 1 && i !== 3 && i !== 6) step(ones([3]));
      else throwsCode('NONFINITE', /the loss 'a' is NaN/, () => step(full([3], Number.NaN)));
    }
    assert.is(method.stateDict().steps, 9, captured ? 'captured' : 'plain');
  }
});
test('probabilities are looked at in replays too', () => {
  const step = capture((p: Tensor) => bernoulli(p));
  for (let i = 0; i < 12; i++) {
    if (i < 5 || i % 2 === 0) step(full([3], 0.5));
    else throwsCode('VALUE', /probabilities must lie in \[0, 1\]/, () => step(full([3], i === 7 ? Number.NaN : 2)));
  }
});
compare('STCH with a warm-up: plain steps go before', /STCH: the warm-up is not over.*Run 3 plain steps first/s, () =>
  several(
    () => new multiloss.STCH({ warmupSteps: 3 }),
    () => {},
  ),
);
compare('a strategy’s weights, set and annealed', 'same', () => {
  const p = new nn.Parameter(ones([3]));
  const strategy = new multiloss.Weighted<'a' | 'b'>({ a: 1, b: multiloss.anneal.linear(0, 1, { steps: 10 }) });
  return {
    step: (x) => {
      p.grad = null;
      strategy.backward({ a: p.mul(x).sum(), b: p.square().sum() });
    },
    parameters: [p],
    before: (i) => {
      if (i === 8) strategy.weights.a = 3;
    },
  };
});
compare('a strategy’s weights, set by the step', /a weight of a strategy/, () => {
  const p = new nn.Parameter(ones([3]));
  const strategy = new multiloss.Weighted<'a' | 'b'>({ a: 1, b: 1 });
  let n = 0;
  return {
    step: (x) => {
      p.grad = null;
      strategy.weights.b = ++n;
      strategy.backward({ a: p.mul(x).sum(), b: p.square().sum() });
    },
  };
});
compare('Hybrid', /Hybrid: strategies change inside/, () => {
  const p = new nn.Parameter(ones([3]));
  const hybrid = new multiloss.Hybrid<'a' | 'b'>([new multiloss.Sum(), new multiloss.Mean()], { every: 2 });
  return {
    step: (x) => {
      p.grad = null;
      hybrid.backward({ a: p.mul(x).sum(), b: p.square().sum() });
    },
    parameters: [p],
  };
});
compare('a method chosen by the host', /multiloss\.backward \(.*changes\.test.* takes another method/s, () => {
  const p = new nn.Parameter(ones([3]));
  const [a, b] = [new multiloss.UPGrad(), new multiloss.MGDA()];
  return hosted((x, n) => {
    p.grad = null;
    multiloss.backward({ a: p.mul(x).sum(), b: p.square().sum() }, { combine: n < 7 ? a : b });
  });
});
compare('losses in another order', /takes the losses b,a, where a,b were recorded/, () => {
  const p = new nn.Parameter(ones([3]));
  const combine = new multiloss.UPGrad();
  return hosted((x, n) => {
    p.grad = null;
    const [a, b] = [p.mul(x).sum(), p.square().sum()];
    multiloss.backward(n < 7 ? { a, b } : { b, a }, { combine });
  });
});
compare('a report read inside', /report: a number is read/, () => {
  const p = new nn.Parameter(ones([3]));
  return { step: (x) => multiloss.backward({ a: p.mul(x).sum(), b: p.square().sum() }, { combine: new multiloss.Sum() }).weights };
});

test.run();
