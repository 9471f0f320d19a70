// A model, its losses, method, optimizer and scheduler as a folder of Python that trains on in PyTorch; and the way back.
import { UncertaintyWeighting, IMTLL } from '../multiloss/methods/from-losses/learned.ts';
import { files as filesOf } from '../checkpoint/file.ts';
import { loadSafetensors, saveSafetensors } from '../checkpoint/safetensors.ts';
import { METHOD, type Method } from '../multiloss/methods/method.ts';
import { withModes } from '../module/modes.ts';
import { Module } from '../module/module.ts';
import { clone, narrow } from '../ops/movement.ts';
import { tensor } from '../ops/create.ts';
import { assertArity, checkArgument, FUNCTION, instanceOf, isListOf, isPlainObject, type Kind, type Kinds, optionsOf, TENSOR, TEXT, valueText } from '../tensor/check.ts';
import { GradloomError, valueError } from '../tensor/errors.ts';
import { noGrad } from '../tensor/modes.ts';
import { scope } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Constants } from './body.ts';
import { Tree, type Traces } from './emit.ts';
import { type Graph, Value } from './graph.ts';
import { methodFile } from './methods.ts';
import { type AnyOptimizer, loadOptimizer, OPTIMIZER, optimizerFile, SCHEDULER, type Scheduler, saveOptimizer } from './optimizers.ts';
import { indented, isName, quoted, refuse } from './python.ts';
import { trace, undoing } from './trace.ts';
import { TRAIN } from './training-script.ts';

/** What goes to PyTorch. */
export interface ToPyTorchOptions {
  /** The model. */
  model: Module;
  /** A batch as a list of tensors: what `losses` is called with, or without `losses` what the model's forward takes. The first dimension counts samples. */
  example: readonly Tensor[];
  /** The losses of a batch by name, computed from the model. */
  losses?: (batch: Tensor[]) => Readonly<Record<string, Tensor>>;
  /** How they become one step: a method of `multiloss`; default their sum. */
  combine?: Method;
  /** Makes the steps. With it and `losses` there is a `train.py`. */
  optimizer?: AnyOptimizer;
  /** Steps the optimizer's rates. */
  scheduler?: Scheduler;
  /** A folder to write the files to, made where there is none (Node, Deno, Bun). */
  folder?: string;
}

/** Files by name: text, and bytes of safetensors. */
export type Files = Record<string, string | Uint8Array<ArrayBuffer>>;

const MODULE = /* @__PURE__ */ instanceOf(Module, 'a module');
const BATCH: Kind = { what: 'a list of tensors, at least one', test: (v) => isListOf(v, TENSOR.test) && v.length > 0 };
const OPTIONS: Kinds<ToPyTorchOptions> = { model: MODULE, example: BATCH, losses: FUNCTION, combine: METHOD, optimizer: OPTIMIZER, scheduler: SCHEDULER, folder: TEXT };

/** Runs in a mode; parts of a model that is in it already keep theirs. */
function inMode<T>(model: Module, training: boolean, run: () => T): T {
  return withModes([model], () => {
    if (model.training !== training) model.train(training);
    return run();
  });
}

/** The traces that the program is written from. */
function tracesOf(model: Module, example: readonly Tensor[], losses: ToPyTorchOptions['losses']): Traces {
  const fn = losses && ((...batch: Tensor[]) => losses(batch));
  const of = (batch: readonly Tensor[], training: boolean): Graph => inMode(model, training, () => trace(model, batch, fn as never));
  const graph = of(example, true);
  const n = example[0]?.shape[0] ?? 0;
  const fewer = n % 2 === 0 ? n / 2 : n - 1;
  let smaller: Graph | null = null;
  let isFixed = fewer < 2 || !example.every((t) => t.shape[0] === n);
  if (!isFixed) {
    try {
      smaller = scope(() =>
        of(
          noGrad(() => example.map((t) => narrow(t, 0, 0, fewer))),
          true,
        ),
      );
    } catch {
      isFixed = true;
    }
  }
  let evaluating: Graph | null = null;
  if (graph.askedMode.size > 0) {
    try {
      evaluating = of(example, false);
    } catch {} // evaluation may be refused where training is not: the file has the way of training
  }
  return { graph, smaller, evaluating, isFixed };
}

function modelFile(model: Module, traces: Traces, withLosses: boolean, names: readonly string[]): { text: string; constants: Constants } {
  const tree = new Tree(model, traces);
  const { classes, root } = tree.classes();
  const lossLines = withLosses ? tree.function('losses', names) : [];
  const ties = tree.ties();
  const modes = model.training ? [...model.namedModules()].filter(([path, m]) => path && !m.training).map(([path]) => path) : [];
  const notes = [...tree.notes];
  const lines = [
    `"""The model${withLosses ? ' and its losses' : ''}, written by gradloom's toPyTorch from what they did with an example batch.`,
    ...(notes.length > 0 ? ['', ...notes] : []),
    '"""',
    ...(tree.constants.size > 0 ? ['import pathlib', ''] : []),
    'import torch',
    'import torch.nn as nn',
    'import torch.nn.functional as F',
    ...(tree.constants.size > 0
      ? [
          'from safetensors.torch import load_file',
          '',
          'CONSTANTS = {k: v.long() if v.dtype == torch.int32 else v for k, v in load_file(pathlib.Path(__file__).parent / "constants.safetensors").items()}',
        ]
      : []),
    '',
    '# Parts that stay in evaluation mode while the rest trains.',
    `EVALUATING = [${modes.map(quoted).join(', ')}]`,
    ...classes,
    '',
    '',
    'def build_model():',
    ...indented(ties.length === 0 ? `return ${root}`.split('\n') : [...`model = ${root}`.split('\n'), ...ties, 'return model']),
    ...(withLosses ? ['', '', ...lossLines] : []),
    '',
  ];
  return { text: lines.join('\n'), constants: tree.constants };
}

/** What a function calls the parts of the batch, `([x, y]) => …`. */
function namesIn(losses: (batch: Tensor[]) => unknown, count: number): string[] {
  const names =
    /^[^([]*\(?\s*\[([^\]]*)\]/
      .exec(String(losses))?.[1]
      ?.split(',')
      .map((n) => n.trim()) ?? [];
  return Array.from({ length: count }, (_, i) => (isName(names[i] ?? '') ? (names[i] as string) : `b${i}`));
}

/** The losses' names, checked. */
function lossNames(graph: Graph): string[] {
  const { output } = graph;
  if (!isPlainObject(output) || Object.keys(output).length === 0 || !Object.values(output).every((v) => v instanceof Value && v.shape.length === 0))
    throw valueError('toPyTorch', 'losses must give scalar tensors by name. Write ({ digit: …, image: … }), each reduced.');
  for (const name of Object.keys(output)) if (!isName(name)) refuse(`the loss '${name}'`, 'is no name in Python. Rename it.');
  return Object.keys(output);
}

/**
 * Writes a model as Python that trains on in PyTorch: `model.py` (what the model did with the example batch, its layers under their names), `weights.safetensors`,
 * and with `losses` and an `optimizer` also `method.py`, `optimizer.py`, their states and `train.py`, for one process and for `torchrun`. Returns the files by name,
 * and writes them where a folder is given. `docs/pytorch-interop.md` says what it promises.
 *
 * @example
 * toPyTorch({ model, example: [x, y], losses: ([x, y]) => ({ ce: crossEntropy(model.forward(x), y) }), optimizer, folder: 'out' });
 * // pip install torch safetensors && torchrun --nproc_per_node 2 out/train.py --data data.safetensors --batch-size 64
 * @throws VALUE naming the layer, op, method, optimizer or scheduler that cannot be written; CAPTURE where forward reads values
 */
export function toPyTorch(options: ToPyTorchOptions): Files {
  const op = 'toPyTorch';
  const { model, example, losses, combine, optimizer, scheduler, folder } = optionsOf(op, options, OPTIONS, arguments.length);
  checkArgument(op, 'model', model, MODULE);
  checkArgument(op, 'example', example, BATCH);
  if (scheduler && !optimizer) throw valueError(op, 'a scheduler needs its optimizer. Give optimizer too.');
  if (combine && !losses) throw valueError(op, 'combine needs losses. Give losses too.');
  const traces = tracesOf(model, example, losses);
  for (const { hooked, path, className } of traces.graph.calls)
    if (hooked) refuse(`the module ${path || className} has hooks,`, 'which are functions of this program. Remove them before, or put what they do into forward.');
  const names = losses ? lossNames(traces.graph) : [];
  const { text, constants } = modelFile(model, traces, losses !== undefined, losses ? namesIn(losses, example.length) : []);
  const files: Files = { 'model.py': text, 'weights.safetensors': scope(() => saveSafetensors(model.stateDict())) };
  if (constants.size > 0)
    files['constants.safetensors'] = scope(() =>
      saveSafetensors(Object.fromEntries([...constants].map(([name, v]) => [name, tensor(v.data as never, { shape: v.shape, dtype: v.dtype })]))),
    );
  files['example.safetensors'] = saveSafetensors(Object.fromEntries(example.map((t, i) => [`${i}`, t])));
  let needsTorchjd = false;
  if (losses) {
    const method = methodFile(combine, names);
    needsTorchjd = method.torchjd;
    files['method.py'] = method.text;
    if (method.learns) files['method.safetensors'] = saveSafetensors({ learned: (combine as UncertaintyWeighting).parameter });
    files['expected.json'] = `${JSON.stringify(expectedOf(model, example, losses))}\n`;
  }
  if (optimizer) {
    const params = new Map<Tensor, string>(Array.from(model.namedParameters(), ([name, p]) => [p, `params[${quoted(name)}]`]));
    if (combine instanceof UncertaintyWeighting || combine instanceof IMTLL) params.set(combine.parameter, 'learned');
    files['optimizer.py'] = optimizerFile(optimizer, scheduler, params);
    files['optimizer.safetensors'] = saveOptimizer(optimizer, scheduler && { scheduler });
    if (losses) files['train.py'] = TRAIN;
  }
  files['requirements.txt'] = ['torch', 'safetensors', ...(needsTorchjd ? ['torchjd'] : []), ''].join('\n');
  if (folder !== undefined) write(folder, files);
  return files;
}

/** The losses of the example batch in training mode, as `train.py --check` compares them. */
function expectedOf(model: Module, example: readonly Tensor[], losses: NonNullable<ToPyTorchOptions['losses']>): Record<string, number> {
  const values = (): Record<string, number> => Object.fromEntries(Object.entries(losses([...example])).map(([name, t]) => [name, t.item()]));
  return undoing(model, () => inMode(model, true, () => scope(values)));
}

function write(folder: string, files: Files): void {
  const fs = filesOf('toPyTorch', 'Take the files that it returns.');
  fs.mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) fs.writeFileSync(`${folder}/${name}`, content);
}

/** What takes up what PyTorch has made of it. */
export interface FromPyTorchOptions {
  /** The model. */
  model: Module;
  /** Its optimizer. */
  optimizer?: AnyOptimizer;
  /** The optimizer's scheduler. */
  scheduler?: Scheduler;
  /** The method, where it learns. */
  combine?: Method;
}

const BACK: Kinds<FromPyTorchOptions> = { model: MODULE, optimizer: OPTIMIZER, scheduler: SCHEDULER, combine: METHOD };

/**
 * Takes up what `train.py` left in its folder `result`: weights, and the states of what else is given. Files by name do as well as a folder.
 *
 * @example
 * fromPyTorch('out/result', { model, optimizer, scheduler });
 * @throws STATE where a file is missing or does not fit
 */
export function fromPyTorch(from: string | Readonly<Record<string, Uint8Array | ArrayBuffer | string>>, options: FromPyTorchOptions): void {
  const op = 'fromPyTorch';
  assertArity(op, arguments.length, 2);
  if (typeof from !== 'string' && !isPlainObject(from)) throw valueError(op, `takes a folder or files by name, got ${valueText(from)}.`);
  const { model, optimizer, scheduler, combine } = optionsOf(op, options, BACK);
  checkArgument(op, 'model', model, MODULE);
  const bytesOf = (name: string): Uint8Array | ArrayBuffer => {
    const fs = typeof from === 'string' ? filesOf(op, 'Pass the files by name.') : null;
    const path = `${String(from)}/${name}`;
    const found = fs ? (fs.existsSync(path) ? fs.readFileSync(path) : undefined) : (from as Record<string, Uint8Array>)[name];
    if (found === undefined || typeof found === 'string')
      throw new GradloomError('STATE', op, `there is no ${name}. Pass the folder that train.py wrote (result), or leave the part out.`);
    return found;
  };
  scope(() => {
    const weights = loadSafetensors(bytesOf('weights.safetensors'));
    const states = optimizer && bytesOf('optimizer.safetensors');
    const learns = combine instanceof UncertaintyWeighting || combine instanceof IMTLL;
    const learned = learns ? loadSafetensors(bytesOf('method.safetensors')).learned : undefined;
    const before = scope(() => Object.fromEntries(Object.entries(model.stateDict()).map(([name, t]) => [name, clone(t)])));
    model.loadStateDict(weights);
    try {
      if (optimizer) loadOptimizer(optimizer, states as Uint8Array, scheduler && { scheduler });
      if (learned && combine?.loadStateDict) combine.loadStateDict({ ...combine.stateDict?.(), s: [...learned.data()] });
    } catch (error) {
      model.loadStateDict(before);
      throw error;
    }
  });
}
