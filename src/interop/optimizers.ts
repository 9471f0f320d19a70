// Optimizers and schedulers: as Python that makes them, and their states in PyTorch's structure in a safetensors file.
import * as optim from '../api/optim.ts';
import type { Optimizer } from '../api/optim.ts';
import { loadSafetensors, readMetadata, saveSafetensors } from '../checkpoint/safetensors.ts';
import { zeros } from '../ops/create.ts';
import { checkArgument, instanceOf, isPlainObject, type Kind, type Kinds, optionsOf } from '../tensor/check.ts';
import { GradloomError } from '../tensor/errors.ts';
import { scope } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { keywords, literal, quoted, refuse, snake } from './python.ts';

/** What steps rates. */
export interface Scheduler {
  /** Its state. */
  stateDict(): object;
  /** Takes up a state. */
  loadStateDict(state: never): void;
}
/** An optimizer of whatever options. */
// biome-ignore lint/suspicious/noExplicitAny: of whatever options
export type AnyOptimizer = Optimizer<any>;

/** Options of `saveOptimizer` and `loadOptimizer`. */
export interface OptimizerFileOptions {
  /** A scheduler whose state goes along. */
  scheduler?: Scheduler;
}

/** @internal */
export const SCHEDULER: Kind = {
  what: 'a scheduler',
  test: (v: unknown) => typeof (v as Scheduler | null)?.stateDict === 'function' && typeof (v as Scheduler).loadStateDict === 'function',
};
const OPTIONS: Kinds<OptimizerFileOptions> = { scheduler: SCHEDULER };
/** @internal */
export const OPTIMIZER: Kind = /* @__PURE__ */ instanceOf(optim.Optimizer as never, 'an optimizer');

/** Those of one class in both, and whether PyTorch counts steps that ours does not. */
const COUNTED: Readonly<Record<string, boolean>> = {
  SGD: false,
  Adam: false,
  AdamW: false,
  Adamax: false,
  NAdam: false,
  RAdam: false,
  Adagrad: false,
  ASGD: false,
  Adafactor: false,
  Muon: false,
  RMSprop: true,
  Adadelta: true,
  Rprop: true,
};

function classOf(optimizer: AnyOptimizer): string {
  const name = Object.keys(COUNTED).find((key) => (optim as unknown as Record<string, unknown>)[key] === optimizer.constructor);
  return name ?? refuse(`the optimizer ${optimizer.constructor.name}`, `is not written to PyTorch, only ${Object.keys(COUNTED).join(', ')}.`);
}

/** An object with PyTorch's names. */
const snaked = (object: object): Record<string, unknown> => Object.fromEntries(Object.entries(object).map(([k, v]) => [snake(k), v]));

/**
 * An optimizer's state as a safetensors file in PyTorch's structure: tensors `state.0.exp_avg`, one for each parameter by its position, groups as JSON in the
 * metadata. The `optimizer.py` of `toPyTorch` has the functions that load and save such files there.
 *
 * @example
 * writeFileSync('optimizer.safetensors', saveOptimizer(optimizer, { scheduler }));
 * @throws VALUE for optimizers that PyTorch lacks; for LBFGS
 */
export function saveOptimizer(optimizer: AnyOptimizer, options?: OptimizerFileOptions): Uint8Array<ArrayBuffer> {
  checkArgument('saveOptimizer', 'the optimizer', optimizer, OPTIMIZER);
  const { scheduler } = optionsOf('saveOptimizer', options, OPTIONS, arguments.length, 2);
  const name = classOf(optimizer);
  return scope(() => {
    const { state, paramGroups } = optimizer.stateDict();
    const tensors: Record<string, Tensor> = {};
    for (const [i, entry] of Object.entries(state)) {
      if (COUNTED[name]) tensors[`state.${i}.step`] = zeros([]);
      for (const [key, t] of Object.entries(entry as Record<string, Tensor>)) tensors[`state.${i}.${snake(key)}`] = t;
    }
    const metadata: Record<string, string> = { optimizer: JSON.stringify({ class: name, param_groups: paramGroups.map(snaked) }) };
    if (scheduler) metadata.scheduler = JSON.stringify(schedulerState(scheduler));
    return saveSafetensors(tensors, metadata);
  });
}

/** A scheduler's state as PyTorch has it. */
function schedulerState(scheduler: Scheduler): Record<string, unknown> {
  const { count, baseRates, rates, ...rest } = scheduler.stateDict() as Record<string, unknown>;
  const own = count === undefined ? { num_bad_epochs: undefined } : { last_epoch: count, base_lrs: baseRates, _step_count: (count as number) + 1 };
  return { ...snaked(rest), ...own, ...(scheduler instanceof lr.CosineAnnealingWarmRestarts && restarted(scheduler as Fields, count as number)), _last_lr: rates };
}

/** How far along a descent of warm restarts is, and how long that is: PyTorch's T_cur and T_i. */
function restarted({ t0, tMult }: { t0: number; tMult: number }, count: number): Record<string, number> {
  let [along, length] = [tMult === 1 ? count % t0 : count, t0];
  for (; along >= length; length *= tMult) along -= length;
  return { T_cur: along, T_i: length };
}

/**
 * Takes up an optimizer's state from a file that `saveOptimizer`, or `save_optimizer` in PyTorch, has written. The optimizer must have the same groups of
 * parameters.
 * @throws FORMAT where the file holds no optimizer; STATE where it does not fit; nothing has changed then
 */
export function loadOptimizer(optimizer: AnyOptimizer, bytes: Uint8Array | ArrayBuffer, options?: OptimizerFileOptions): void {
  const op = 'loadOptimizer';
  checkArgument(op, 'the optimizer', optimizer, OPTIMIZER);
  const { scheduler } = optionsOf(op, options, OPTIONS, arguments.length, 3);
  const metadata = readMetadata(bytes);
  const read = (key: string): Record<string, unknown> => {
    try {
      const value: unknown = JSON.parse(metadata[key] ?? '');
      if (isPlainObject(value)) return value;
    } catch {}
    throw new GradloomError('FORMAT', op, `the file's metadata has no ${key}. Pass what saveOptimizer, or save_optimizer in optimizer.py, wrote.`);
  };
  const { param_groups } = read('optimizer');
  const rates = scheduler && read('scheduler');
  scope(() => {
    const state: Record<string, Record<string, Tensor>> = {};
    for (const [path, t] of Object.entries(loadSafetensors(bytes))) {
      const [, i, name] = /^state\.(\d+)\.(\w+)$/.exec(path) ?? [];
      if (i === undefined || name === undefined) throw new GradloomError('FORMAT', op, `the file has a tensor '${path}', which is no 'state.<position>.<name>'.`);
      state[i] = { ...state[i], [name]: t };
    }
    const before = optimizer.stateDict();
    optimizer.loadStateDict({ state, param_groups });
    try {
      if (rates) scheduler?.loadStateDict(rates as never);
    } catch (error) {
      optimizer.loadStateDict(before);
      throw error;
    }
  });
}

// biome-ignore lint/suspicious/noExplicitAny: each scheduler has fields of its own
type Fields = any;
const lr = optim.lrScheduler;
/** Schedulers of one class in both, and their options there. */
const SCHEDULERS: ReadonlyMap<unknown, (s: Fields) => Record<string, unknown>> = new Map<unknown, (s: Fields) => Record<string, unknown>>([
  [lr.StepLR, (s) => ({ stepSize: s.stepSize, gamma: s.gamma })],
  [lr.MultiStepLR, (s) => ({ milestones: [...(s.milestones as Map<number, number>)].flatMap(([at, times]) => new Array(times).fill(at)), gamma: s.gamma })],
  [lr.ExponentialLR, (s) => ({ gamma: s.gamma })],
  [lr.ConstantLR, (s) => ({ factor: s.multiplier, totalIters: s.totalIters })],
  [lr.LinearLR, (s) => ({ startFactor: s.start, endFactor: s.end, totalIters: s.totalIters })],
  [lr.PolynomialLR, (s) => ({ totalIters: s.totalIters, power: s.exponent })],
  [lr.CosineAnnealingLR, (s) => ({ TMax: s.tMax, etaMin: s.etaMin })],
  [lr.CosineAnnealingWarmRestarts, (s) => ({ T0: s.t0, TMult: s.tMult, etaMin: s.etaMin })],
]);
const SPELLED: Readonly<Record<string, string>> = { TMax: 'T_max', T0: 'T_0', TMult: 'T_mult' };

/** The Python that makes a scheduler. */
function schedulerText(scheduler: Scheduler): string {
  const row = SCHEDULERS.get(scheduler.constructor);
  if (!row)
    return refuse(
      `the scheduler ${scheduler.constructor.name}`,
      `is not written to PyTorch, only ${Array.from(SCHEDULERS.keys(), (c) => (c as { name: string }).name).join(', ')}.`,
    );
  const args = Object.entries(row(scheduler)).map(([key, v]) => `${SPELLED[key] ?? snake(key)}=${literal(v)}`);
  const [name] = Object.entries(lr).find(([, c]) => c === scheduler.constructor) as [string, unknown];
  return `torch.optim.lr_scheduler.${name}(${['optimizer', ...args].join(', ')})`;
}

/** @internal `optimizer.py`: what makes the optimizer and the scheduler, and loads and saves their states. `names`: each parameter as Python. */
export function optimizerFile(optimizer: AnyOptimizer, scheduler: Scheduler | undefined, names: ReadonlyMap<Tensor, string>): string {
  const name = classOf(optimizer);
  const all = [...names].flatMap(([p, text]) => (text.startsWith('params[') ? [p] : []));
  const { paramGroups } = optimizer.stateDict();
  const groups = optimizer.paramGroups.map((group, i) => {
    const list = group.params as Tensor[];
    const own = list.map(
      (p, j) =>
        names.get(p) ?? refuse(`parameter ${j} of the optimizer's group ${i}, ${p.describe()},`, 'is none of the model or the method. Leave it out, or put it into the model.'),
    );
    const whole = list.length === all.length && list.every((p, j) => p === all[j]);
    const { params: _, initialLr: __, ...options } = paramGroups[i] as Record<string, unknown>;
    const params = whole ? 'list(model.parameters())' : `[\n            ${own.join(',\n            ')},\n        ]`;
    return `{${[`"params": ${params}`, ...Object.entries(options).map(([k, v]) => `${quoted(snake(k))}: ${literal(v)}`)].join(', ')}}`;
  });
  return `"""The optimizer${scheduler ? ' and its scheduler' : ''}, and their states in files that gradloom reads. Written by gradloom's toPyTorch."""
import json

import torch
from safetensors import safe_open
from safetensors.torch import save_file


def build_optimizer(model, learned=None):
    params = dict(model.named_parameters(remove_duplicate=False))
    return torch.optim.${name}([
        ${groups.join(',\n        ')},
    ]${keywords({ lr: (paramGroups[0] as { lr: number }).lr })
      .map((k) => `, ${k}`)
      .join('')})


def build_scheduler(optimizer):
    return ${scheduler ? schedulerText(scheduler) : 'None'}


def load_optimizer(path, optimizer, scheduler=None):
    state = {}
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
        for key in file.keys():
            _, index, name = key.split(".", 2)
            state.setdefault(int(index), {})[name] = file.get_tensor(key)
    groups = json.loads(metadata["optimizer"])["param_groups"]
    groups = [{key: tuple(v) if isinstance(v, list) and key != "params" else v for key, v in group.items()} for group in groups]
    own = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": [{**mine, **group} for mine, group in zip(own, groups, strict=True)]})
    if scheduler is not None and "scheduler" in metadata:
        scheduler.load_state_dict({**scheduler.state_dict(), **json.loads(metadata["scheduler"])})


def save_optimizer(path, optimizer, scheduler=None):
    saved = optimizer.state_dict()
    tensors = {}
    for index, entry in saved["state"].items():
        for name, value in entry.items():
            if value is not None:
                tensors[f"state.{index}.{name}"] = torch.as_tensor(value, dtype=torch.float32).contiguous().clone()
    plain = lambda value: value.item() if torch.is_tensor(value) else value
    groups = [{key: plain(value) for key, value in group.items()} for group in saved["param_groups"]]
    metadata = {"optimizer": json.dumps({"class": type(optimizer).__name__, "param_groups": groups})}
    if scheduler is not None:
        metadata["scheduler"] = json.dumps({key: value for key, value in scheduler.state_dict().items() if isinstance(value, (int, float, list))})
    save_file(tensors, path, metadata)
`;
}
