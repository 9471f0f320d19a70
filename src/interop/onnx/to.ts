// Models as ONNX files: traced, then written layer by layer where a layer has an operator, else op by op.
import { create, toBinary } from '@bufbuild/protobuf';
import { withModes } from '../../module/modes.ts';
import { Module } from '../../module/module.ts';
import { cat, narrow } from '../../ops/movement.ts';
import { assertArity, FLAG, isListOf, isPlainObject, type Kinds, optionsOf, orNull, TEXT, valueText, WHOLE } from '../../tensor/check.ts';
import { GradloomError, valueError } from '../../tensor/errors.ts';
import { noGrad } from '../../tensor/modes.ts';
import { scope } from '../../tensor/scope.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { type Graph, type ModuleCall, type Node, Value } from '../graph.ts';
import { trace } from '../trace.ts';
import { Emitter, TYPE, valuesIn } from './emitter.ts';
import { type NodeProto, NodeProtoSchema, ModelProtoSchema, type ValueInfoProto, ValueInfoProtoSchema } from './onnx_pb.js';
import { merged, notByBatch, PerBatch, type Size } from './sizes.ts';
import type { ToOnnxOptions } from './types.ts';
import { layerRows } from './write/modules.ts';
import { opRows } from './write/ops.ts';

const NAMES = { what: 'a list of names', test: (v: unknown): boolean => isListOf(v, (n) => TEXT.test(n) && n !== '') };
const TEXTS = { what: 'an object of text by text', test: (v: unknown): boolean => isPlainObject(v) && Object.values(v).every(TEXT.test) };
const OPTIONS: Kinds<ToOnnxOptions> = { batchAxis: /* @__PURE__ */ orNull(WHOLE), training: FLAG, inputNames: NAMES, outputNames: NAMES, metadata: TEXTS };

/** The version of the operators, and that of the format that came with it. */
const [OPSET, FORMAT] = [18n, 8n];
/** Protobuf's bound on a message. */
const LARGEST = 2 ** 31 - 1;

/** The tree with every tensor that has the batch's size along the axis one sample longer. */
function longer(tree: unknown, axis: number, batch: number): unknown {
  if (tree instanceof Tensor) return tree.rank > axis && tree.sizes[axis] === batch ? cat([tree, narrow(tree, axis, 0, 1)], axis) : tree;
  if (Array.isArray(tree)) return tree.map((v) => longer(v, axis, batch));
  return isPlainObject(tree) ? Object.fromEntries(Object.entries(tree).map(([k, v]) => [k, longer(v, axis, batch)])) : tree;
}

/** Two traces, of which the second has one sample more, and which value of it goes with one of the first. */
interface Traces {
  readonly graph: Graph;
  readonly other: Graph | null;
  readonly batches: readonly [number, number];
  /** Where the batch's size is read: the first input that has it. */
  readonly from: Value | null;
}

function traced(model: Module, inputs: readonly unknown[], axis: number | null): Traces {
  const graph = trace(model, inputs);
  if (axis === null) return { graph, other: null, batches: [0, 0], from: null };
  const from = valuesIn(graph.inputs).find(([, v]) => v.shape.length > axis)?.[1];
  if (axis < 0 || !from) throw valueError('toOnnx', `batchAxis ${axis}: no input has that dimension.`);
  const batch = from.shape[axis] as number;
  if (batch < 1) throw valueError('toOnnx', 'an example of no samples says nothing of the batch. Give one sample or more.');
  const other = scope(() => noGrad(() => trace(model, longer(inputs, axis, batch) as readonly unknown[])));
  const differs = graph.nodes.findIndex((n, i) => n.op !== other.nodes[i]?.op || n.inputs.length !== other.nodes[i]?.inputs.length);
  if (differs >= 0 || graph.nodes.length !== other.nodes.length) throw notByBatch(`what follows ${whatOf(graph.nodes[differs] ?? (graph.nodes.at(-1) as Node))}`, 'other ops run');
  return { graph, other, batches: [batch, batch + 1], from };
}

const whatOf = ({ op, call }: Node): string => `${op}${call?.path ? ` in '${call.path}'` : ''}`;

/** The shape of each value in both traces. */
function shapesOf({ graph, other, batches }: Traces): (v: Value) => readonly Size[] {
  if (!other) return (v) => v.shape;
  const pairs = new Map<Value, Value>();
  const pair = (a: readonly [string, Value][], b: readonly [string, Value][]): void => a.forEach(([, v], i) => void pairs.set(v, (b[i] as [string, Value])[1]));
  pair(valuesIn(graph.inputs), valuesIn(other.inputs));
  graph.nodes.forEach((node, i) => {
    const twin = other.nodes[i] as Node;
    pairs.set(node.output, twin.output);
    node.inputs.forEach((v, j) => void pairs.set(v, twin.inputs[j] as Value));
  });
  pair(valuesIn(graph.output), valuesIn(other.output));
  return (v) => {
    const twin = pairs.get(v);
    return twin ? (merged(v.shape, twin.shape, batches, v.node ? whatOf(v.node) : 'a shape') as readonly Size[]) : v.shape;
  };
}

/** Writes the nodes of a trace. */
class Writer {
  readonly #traces: Traces;
  readonly #e: Emitter;
  readonly #state = new Map<string, Value>();
  readonly #missing = new Set<string>();
  readonly #viewed: ReadonlySet<Value>;

  constructor(traces: Traces, e: Emitter) {
    this.#traces = traces;
    this.#e = e;
    for (const v of traces.graph.state) for (const name of v.names) this.#state.set(name, v);
    this.#viewed = new Set(traces.graph.nodes.flatMap((n) => (n.kind === 'view' ? [n.inputs[0] as Value, n.output] : [])));
  }

  /** Layers where they have a row, outer ones first; else their ops. Everything that has none is named at once. */
  run(): void {
    const { nodes, calls } = this.#traces.graph;
    const beginning = new Map<number, ModuleCall[]>();
    for (const call of calls) if (call.last > call.first) beginning.set(call.first, [...(beginning.get(call.first) ?? []), call]);
    try {
      for (let i = 0; i < nodes.length; ) {
        const layer = beginning.get(i)?.find((call) => this.#layer(call));
        if (!layer) this.#node(i);
        i = layer ? layer.last : i + 1;
      }
    } catch (error) {
      if (this.#missing.size === 0) throw error;
    }
    if (this.#missing.size === 0) return;
    const names = [...this.#missing];
    throw valueError(
      'toOnnx',
      `no operator of ONNX, opset ${OPSET}, stands for ${names.slice(0, 8).join(', ')}${names.length > 8 ? ' …' : ''}. docs/onnx.md lists what is written.`,
    );
  }

  #layer(call: ModuleCall): boolean {
    const row = layerRows.get(call.module.constructor);
    const [input] = call.inputs;
    const outputs = valuesIn(call.output).map(([, v]) => v);
    if (!row || call.hooked || !(input instanceof Value) || outputs.length === 0) return false;
    const e = this.#e;
    const { path } = e;
    e.path = call.path;
    const names = row(e, {
      call,
      x: e.of(input),
      shape: e.shape(input),
      y: e.shape(outputs[0] as Value),
      set: call.settings,
      state: (field) => {
        const v = this.#state.get(call.path ? `${call.path}.${field}` : field);
        return v ? e.of(v) : null;
      },
      what: `${call.className}${call.path ? ` '${call.path}'` : ''}`,
    });
    e.path = path;
    // What a row without names has written is left out at the end, unless something else has come to use it.
    if (names) outputs.forEach((v, i) => void e.bind(v, names[i] as string));
    return names !== null;
  }

  #node(i: number): void {
    const node = this.#traces.graph.nodes[i] as Node;
    const e = this.#e;
    const what = whatOf(node);
    e.path = node.call?.path ?? '';
    if (node.kind === 'write') {
      this.#write(node, what);
      return;
    }
    const row = Object.hasOwn(opRows, node.op) ? opRows[node.op] : undefined;
    if (!row) {
      this.#missing.add(what);
      e.bind(node.output, '');
      return;
    }
    const { other, batches } = this.#traces;
    const attrs = other ? merged(node.attrs, (other.nodes[i] as Node).attrs, batches, what) : node.attrs;
    const name = row(
      e,
      node.inputs.map((v) => e.of(v)),
      { inputs: node.inputs, output: node.output, attrs, what },
    );
    e.bind(node.output, name);
  }

  /** A write in place is the value from then on, where no other window shows the memory. */
  #write({ inputs, output }: Node, what: string): void {
    const [t, value] = inputs as [Value, Value];
    if (t.kind === 'parameter' || t.kind === 'buffer') throw valueError('toOnnx', `${what}: '${t.names[0]}' is written in forward, which a file cannot say. Use eval().`);
    if (this.#viewed.has(t)) throw valueError('toOnnx', `${what}: what is written in place is seen through a view. Write out of place: add instead of add_.`);
    this.#e.bind(output, this.#e.of(value));
  }
}

/** Input and output as the file declares them. */
function declared(e: Emitter, v: Value, name: string): ValueInfoProto {
  const dim = e
    .shape(v)
    .map((n) =>
      n instanceof PerBatch
        ? { value: { case: 'dimParam' as const, value: n.per === 1 ? 'batch' : `${n.per}*batch` } }
        : { value: { case: 'dimValue' as const, value: BigInt(n) } },
    );
  return create(ValueInfoProtoSchema, { name, type: { value: { case: 'tensorType', value: { elemType: TYPE[v.dtype], shape: { dim } } } } });
}

/** A name for each: those given, else the word with its number, or the key. */
function namesFor(what: 'input' | 'output', values: readonly [string, Value][], given: readonly string[] | undefined): string[] {
  if (given && given.length !== values.length)
    throw valueError(
      'toOnnx',
      `${what}Names has ${given.length} name${given.length === 1 ? '' : 's'}, there ${values.length === 1 ? 'is one' : `are ${values.length}`} ${what}${values.length === 1 ? '' : 's'}.`,
    );
  const names = given ?? values.map(([place], i) => (/^[\d.]*$/.test(place) ? (values.length === 1 ? what : `${what}_${i}`) : place.replace(/^\d+\./, '')));
  if (new Set(names).size !== names.length) throw valueError('toOnnx', `${what}s must have different names, got ${names.join(', ')}. Give ${what}Names.`);
  return [...names];
}

/** Only what outputs need. */
function needed(nodes: readonly NodeProto[], outputs: readonly string[]): { nodes: NodeProto[]; used: Set<string> } {
  const used = new Set(outputs);
  const kept: NodeProto[] = [];
  for (const node of [...nodes].reverse()) {
    if (!node.output.some((name) => used.has(name))) continue;
    kept.push(node);
    for (const name of node.input) used.add(name);
  }
  return { nodes: kept.reverse(), used };
}

/** As gradloom/interop's, at once. */
export function toOnnx(model: Module, example: Tensor | readonly unknown[], options?: ToOnnxOptions): Uint8Array<ArrayBuffer> {
  assertArity('toOnnx', arguments.length, 3);
  if (!(model instanceof Module)) throw valueError('toOnnx', `takes a module first, got ${valueText(model)}.`);
  const inputs = example instanceof Tensor ? [example] : example;
  if (!Array.isArray(inputs)) throw valueError('toOnnx', `the example is a tensor, or a list of what forward takes, got ${valueText(example)}.`);
  const { batchAxis = null, training = false, inputNames, outputNames, metadata = {} } = optionsOf('toOnnx', options, OPTIONS);
  const write = (): Uint8Array<ArrayBuffer> => written(model, traced(model, inputs, batchAxis), { batchAxis, inputNames, outputNames, metadata });
  if (training) return write();
  return withModes([model], () => {
    model.eval();
    return write();
  });
}

type Written = Required<Pick<ToOnnxOptions, 'metadata'>> & { batchAxis: number | null; inputNames: readonly string[] | undefined; outputNames: readonly string[] | undefined };

function written(model: Module, traces: Traces, { batchAxis, inputNames, outputNames, metadata }: Written): Uint8Array<ArrayBuffer> {
  const { graph } = traces;
  const [ins, outs] = [valuesIn(graph.inputs), valuesIn(graph.output)];
  if (outs.length === 0) throw valueError('toOnnx', 'forward gives no tensor.');
  const names = { input: namesFor('input', ins, inputNames), output: namesFor('output', outs, outputNames) };
  const clash = [...names.input, ...names.output].find((name, i, all) => all.indexOf(name) !== i || graph.state.some((v) => v.names.includes(name)));
  if (clash !== undefined) throw valueError('toOnnx', `'${clash}' is a name twice, of an input, an output or a weight. Give inputNames or outputNames.`);
  const batch = traces.from && { input: names.input[ins.findIndex(([, v]) => v === traces.from)] as string, axis: batchAxis as number };
  const e = new Emitter(shapesOf(traces), batch, [...names.input, ...names.output, ...graph.state.flatMap((v) => v.names)]);
  ins.forEach(([, v], i) => void e.bind(v, names.input[i] as string));
  for (const v of graph.state) e.bind(v, v.names[0] as string);
  new Writer(traces, e).run();
  e.path = '';
  outs.forEach(([, v], i) => {
    const name = names.output[i] as string;
    e.nodes.push(create(NodeProtoSchema, { opType: 'Identity', name, input: [e.of(v)], output: [name] }));
  });
  const { nodes, used } = needed(e.nodes, names.output);
  const state = model.stateDict();
  for (const { names: own } of graph.state) {
    const t = state[own[0] as string] as Tensor;
    if (used.has(own[0] as string)) e.initializer(own[0] as string, t.data(), t.dtype, t.shape);
  }
  // The state dict's first, in its order.
  const order = new Map(graph.state.map((v, i) => [v.names[0] as string, i]));
  const initializer = [...e.initializers.values()].filter(({ name }) => used.has(name)).sort((a, b) => (order.get(a.name) ?? order.size) - (order.get(b.name) ?? order.size));
  const bytes = initializer.reduce((sum, { rawData }) => sum + rawData.length, 0);
  if (bytes > LARGEST) throw new GradloomError('MEMORY', 'toOnnx', `weights of ${bytes} bytes: a file holds at most 2 GB. Save them with saveSafetensors.`);
  const { name } = model.constructor;
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: FORMAT,
      opsetImport: [{ domain: '', version: OPSET }],
      producerName: 'gradloom',
      graph: {
        name: name || 'model',
        node: nodes,
        initializer,
        input: ins.map(([, v], i) => declared(e, v, names.input[i] as string)),
        output: outs.map(([, v], i) => declared(e, v, names.output[i] as string)),
      },
      metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    }),
  );
}
