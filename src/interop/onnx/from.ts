// ONNX files as modules: the graph is checked and made ready once, then run by our ops, so that gradients flow as in any module.
import { FIELDS, type Fields } from '../../module/fields.ts';
import { Module } from '../../module/module.ts';
import { Buffer, Parameter } from '../../module/parameter.ts';
import { assertArity, assertTensor, either, FLAG, FUNCTION, type Kinds, optionsOf } from '../../tensor/check.ts';
import { GradloomError, shapeText, valueError } from '../../tensor/errors.ts';
import { HELD } from '../../tensor/scope.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { graphOf, type Graph, malformed } from './file.ts';
import { asTensor, HostArray, shapeOf, tensorOf, type Value } from './host.ts';
import type { NodeView } from './node.ts';
import type { Rule, Run } from './rules/rule.ts';
import { rules } from './rules/table.ts';
import type { FromOnnxOptions, OnnxModule, OnnxValue } from './types.ts';

const OPTIONS: Kinds<FromOnnxOptions> = { trainable: /* @__PURE__ */ either(FLAG, FUNCTION) };

/** A node ready to run. */
interface Step {
  readonly node: NodeView;
  readonly run: Run;
  /** The same on the host. */
  readonly host: Run | undefined;
}

type HostRun = (...inputs: (HostArray | undefined)[]) => HostArray | readonly HostArray[];

/** The module of a file's graph. */
class GraphModule extends Module implements OnnxModule {
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly #state: Map<string, Parameter | Buffer>;
  readonly #constants: Map<string, HostArray>;
  readonly #steps: readonly Step[];

  constructor(graph: Graph, trainable: (name: string) => boolean) {
    super();
    const training = (): boolean => this.training;
    const ready = readied(graph, training);
    const { weights, state, fixed } = placed(graph, ready);
    this.inputs = graph.inputs;
    this.outputs = graph.outputs;
    this.metadata = graph.metadata;
    this.#constants = fixed;
    this.#steps = ready.filter((step) => !foldedInto(fixed, step));
    // All that can be refused has been: now memory is taken.
    this.#state = new Map();
    for (const name of graph.initializers.keys()) {
      const array = graph.initializers.get(name) as HostArray;
      if (weights.has(name)) this.#state.set(name, new Parameter(tensorOf(array), { requiresGrad: trainable(name) }));
      else if (state.has(name)) this.#state.set(name, new Buffer(tensorOf(array)));
    }
  }

  override [FIELDS](): Fields<Module> {
    const { own, hidden } = super[FIELDS]();
    return { own: [...this.#state, ...own], hidden };
  }

  /** @internal */
  override [HELD](): Tensor[] {
    return [...super[HELD](), ...[...this.#constants.values()].flatMap(({ kept }) => (kept ? [kept] : []))];
  }

  /** Computes the outputs: a tensor, or a list of them where there are several. */
  forward(...inputs: Tensor[]): Tensor | Tensor[] {
    this.#check(inputs);
    const values = new Map<string, Value>([...this.#constants, ...this.#state]);
    for (const [i, { name }] of this.inputs.entries()) values.set(name, inputs[i] as Tensor);
    for (const step of this.#steps) runStep(step, values);
    const results = this.outputs.map(({ name }) => asTensor(values.get(name) as Value));
    return results.length === 1 ? (results[0] as Tensor) : results;
  }

  #check(inputs: readonly Tensor[]): void {
    if (inputs.length !== this.inputs.length)
      throw valueError(
        'OnnxModule',
        `takes ${this.inputs.length} input${this.inputs.length === 1 ? '' : 's'} (${this.inputs.map(({ name }) => name).join(', ')}), got ${inputs.length}.`,
      );
    const named = new Map<string, number>();
    for (const [i, { name, dtype, shape }] of this.inputs.entries()) {
      const x = inputs[i];
      assertTensor('OnnxModule', x, `the input '${name}'`);
      if (x.dtype !== dtype) throw new GradloomError('DTYPE', 'OnnxModule', `the input '${name}' is ${dtype}, got ${x.describe()}. Convert it.`);
      const fits = shape?.every((n, d) => {
        const size = x.sizes[d] as number;
        if (typeof n !== 'string') return n === null || n === size;
        if (!named.has(n)) named.set(n, size);
        return named.get(n) === size;
      });
      if (shape && (shape.length !== x.rank || !fits))
        throw new GradloomError(
          'SHAPE',
          'OnnxModule',
          `the input '${name}' is [${shape.map((n) => n ?? '?').join(', ')}] in the file, got ${shapeText(x.sizes)}. Sizes that vary are exported as dynamic axes.`,
        );
    }
  }
}

/** Makes every node ready; all operators that are not offered are named at once. */
function readied({ nodes, outputs }: Graph, training: () => boolean): Step[] {
  const missing = nodes.filter(({ op, isFunction }) => isFunction || !Object.hasOwn(rules, op));
  if (missing.length > 0) {
    const named = missing.slice(0, 8).map(({ label }) => label);
    throw new GradloomError(
      'VALUE',
      'fromOnnx',
      `${missing.length === 1 ? 'an operator is' : `${missing.length} nodes have operators that are`} not offered: ${named.join(', ')}${missing.length > 8 ? ' …' : ''}. docs/onnx.md lists those that are.`,
    );
  }
  const used = new Set([...nodes.flatMap(({ inputs }) => inputs), ...outputs.map(({ name }) => name)]);
  return nodes.map((node) => {
    const rule = rules[node.op] as Rule;
    const [least, most] = rule.inputs;
    if (node.inputs.length < least || node.inputs.length > most || node.inputs.slice(0, least).includes(''))
      throw malformed(`${node.label} has ${node.inputs.length} inputs`, `It takes ${least}${most > least ? ` to ${most}` : ''}.`);
    const given = node.outputs.filter((name, i) => i === 0 || (name !== '' && used.has(name)));
    if (given.length > (rule.outputs ?? 1) || given.length === 0) throw node.error(`${given.length} outputs are not offered.`);
    const step = { node, run: rule.make(node, training), host: rule.host?.(node) as Run | undefined };
    const [unknown] = node.unknown();
    if (unknown !== undefined) throw node.error(`the attribute '${unknown}' is not offered.`);
    return step;
  });
}

/** Operators that give their first input's elements in another shape. */
const MOVES = /* @__PURE__ */ new Set(['Flatten', 'Identity', 'Reshape', 'Squeeze', 'Transpose', 'Unsqueeze']);

/** Which initializers are trained, which are state, which only numbers. A mask with −∞ is none to be trained. */
function placed({ initializers }: Graph, steps: readonly Step[]): { weights: Set<string>; state: Set<string>; fixed: Map<string, HostArray> } {
  const [asNumbers, state, asWeights] = [new Set<string>(), new Set<string>(), new Set<string>()];
  // Backwards, so that what becomes a weight in another shape is known for one.
  for (const { node } of [...steps].reverse()) {
    const rule = rules[node.op] as Rule;
    if (MOVES.has(node.op) && asWeights.has(node.outputs[0] as string)) asWeights.add(node.inputs[0] as string);
    for (const [i, name] of node.inputs.entries()) {
      if (rule.numbers?.includes(i)) asNumbers.add(name);
      if (rule.state?.includes(i)) state.add(name);
      if (rule.weights?.includes(i)) asWeights.add(name);
    }
  }
  const [weights, fixed] = [new Set<string>(), new Map<string, HostArray>()];
  for (const [name, array] of initializers) {
    const many = array.values.length > 1 || asWeights.has(name);
    const finite = (): boolean => !Array.prototype.some.call(array.values, (v: number) => !Number.isFinite(v));
    if (asNumbers.has(name) || array.dtype !== 'float32' || (!state.has(name) && !(many && finite()))) {
      array.constant = true;
      fixed.set(name, array);
      state.delete(name);
    } else if (!state.has(name)) weights.add(name);
  }
  return { weights, state, fixed };
}

const hostInputs = (node: NodeView, values: ReadonlyMap<string, Value>): (HostArray | undefined)[] | null => {
  const inputs = node.inputs.map((name) => (name === '' ? undefined : values.get(name)));
  return node.inputs.every((name, i) => name === '' || inputs[i] instanceof HostArray) ? (inputs as (HostArray | undefined)[]) : null;
};

/** Computes a node of constants when the file is loaded; its outputs are constants too. */
function foldedInto(constants: Map<string, HostArray>, step: Step): boolean {
  if (!step.host || !hostInputs(step.node, constants)) return false;
  runStep(step, constants);
  for (const name of step.node.outputs) if (name !== '') (constants.get(name) as HostArray).constant = true;
  return true;
}

/** Runs a node; errors say which one. */
function runStep({ node, run, host }: Step, values: Map<string, Value>): void {
  const onHost = host && hostInputs(node, values);
  const inputs = onHost || node.inputs.map((name) => (name === '' ? undefined : values.get(name)));
  try {
    const made = onHost ? (host as HostRun)(...onHost) : run(...inputs);
    const all = Array.isArray(made) ? (made as readonly Value[]) : [made as Value];
    for (const [i, name] of node.outputs.entries()) if (name !== '' && all[i]) values.set(name, all[i]);
  } catch (cause) {
    const shapes = inputs.map((x) => (x ? shapeText(shapeOf(x)) : 'none')).join(' × ');
    if (cause instanceof GradloomError) throw new GradloomError(cause.code, node.label, `${cause.message} (inputs ${shapes})`, { cause });
    throw new GradloomError('SHAPE', node.label, `cannot be computed from ${shapes}. The file does not keep to ONNX, or was exported for other sizes.`, { cause });
  }
}

/** As gradloom/interop's, at once. */
export function fromOnnx(bytes: Uint8Array | ArrayBuffer, options?: FromOnnxOptions): OnnxModule {
  assertArity('fromOnnx', arguments.length, 2);
  const { trainable = false } = optionsOf('fromOnnx', options, OPTIONS);
  return new GraphModule(graphOf(bytes), typeof trainable === 'function' ? trainable : () => trainable);
}
