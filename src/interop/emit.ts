// A traced model as Python: a class for each module that PyTorch does not have, whose forward is what the trace saw.
import { FIELDS } from '../module/fields.ts';
import { Module } from '../module/module.ts';
import { Parameter } from '../module/parameter.ts';
import { isPlainObject } from '../tensor/check.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { expressionOf, isScalar, meanExpression, meanOf } from './expressions.ts';
import { type Graph, type ModuleCall, type Node, settingsOf, Value } from './graph.ts';
import { construct, containerOf, isLayer, positionalInputs } from './layers.ts';
import { indented, isName, keywords, literal, nameOf, number, quoted, refuse, snake, tuple } from './python.ts';

/** Traces of one function: of the example batch, of a part of it (to see what goes by its size), in evaluation mode (to see what goes by the mode). */
export interface Traces {
  readonly graph: Graph;
  readonly smaller: Graph | null;
  readonly evaluating: Graph | null;
}

/** Constants that are too large to be written out, by name. */
export type Constants = Map<string, Value>;

/** As many numbers as are written out. */
const WRITTEN_OUT = 32;
const TYPES = { float32: 'torch.float32', int32: 'torch.int64', bool: 'torch.bool' } as const;

/** A part of a path as Python reaches it. */
const step = (segment: string, inDict: boolean): string => (inDict ? `[${quoted(segment)}]` : /^\d+$/.test(segment) ? `[${segment}]` : `.${segment}`);

/** Whether forwards of the class are written out: neither a layer of PyTorch's nor one of its containers. */
const isOwn = (m: Module): boolean => !isLayer(m) && !containerOf(m);

/** The body of a function, and what it is called with. */
interface Body {
  readonly params: string[];
  readonly lines: string[];
}

/** Writes what one call of a module (or, with null, the function around all calls) did. */
class Scope {
  readonly #names = new Map<Value, string>();
  readonly #taken = new Set(['self', 'model', 'nn', 'F', 'torch', 'CONSTANTS', 'losses', 'math', 'd']);
  readonly #lines: string[] = [];
  readonly #graph: Graph;
  readonly #call: ModuleCall | null;
  readonly #tree: Tree;
  readonly #constants: Constants;
  readonly #needed: ReadonlySet<Node>;

  constructor(graph: Graph, call: ModuleCall | null, tree: Tree, constants: Constants) {
    this.#graph = graph;
    this.#call = call;
    this.#tree = tree;
    this.#constants = constants;
    this.#needed = neededIn(graph);
  }

  get #place(): string {
    return this.#call ? `${this.#call.className}.forward${this.#call.path && ` (${this.#call.path})`}` : 'losses';
  }

  /** A name that is not taken. */
  #fresh(wish: string): string {
    const base = nameOf(wish);
    let name = base;
    for (let i = 1; this.#taken.has(name); i++) name = `${base}_${i}`;
    this.#taken.add(name);
    return name;
  }

  /** A value as Python. */
  #of(v: Value): string {
    const known = this.#names.get(v);
    if (known) return known;
    if (v.kind === 'parameter' || v.kind === 'buffer') return this.#state(v);
    if (v.kind === 'constant') return this.#constant(v);
    return refuse(
      `${this.#place} uses a tensor ${v.node ? `that ${v.node.call?.path || v.node.call?.className || 'the losses'} computed (${v.node.op})` : 'of the batch'} which it does not get as an argument.`,
      'Pass it to forward, and return it from where it is made.',
    );
  }

  #state(v: Value): string {
    const prefix = this.#call?.path ? `${this.#call.path}.` : '';
    const name = v.names.find((n) => n.startsWith(prefix));
    if (name === undefined) return refuse(`${this.#place} uses '${v.names[0]}', which belongs to another module.`, 'Keep it in a field of both: tied parameters are one.');
    return this.#tree.access(this.#call ? 'self' : 'model', this.#call?.path ?? '', name.slice(prefix.length));
  }

  #constant(v: Value): string {
    if (isScalar(v)) {
      const x = v.data?.[0] as number;
      return v.dtype === 'bool' ? (x ? 'True' : 'False') : number(x, v.dtype === 'float32');
    }
    const { origin } = v;
    const shape = v.shape.join(', ');
    const type = v.dtype === 'float32' ? '' : `, dtype=${TYPES[v.dtype]}`;
    if (origin?.kind === 'opaque') return refuse(`${this.#place} uses a tensor made by ${origin.kernels.join(', ')} outside of any op,`, 'which cannot be written down. Use a layer of nn, or other functions.');
    if (origin?.kind === 'random') {
      if (origin.kernel === 'normal') return `torch.randn(${shape})`;
      if (origin.kernel === 'uniform') return `torch.rand(${shape})`;
      if (origin.kernel === 'dropoutMask') return `F.dropout(torch.ones(${shape}), ${number(origin.p, true)}, self.training)`;
      return `torch.randperm(${shape})`;
    }
    if (origin?.kind === 'computed') {
      const [op, ...numbers] = origin.from.split(' ');
      if (op === 'arange' || op === 'linspace' || op === 'eye') return `torch.${op}(${numbers.slice(0, -1).join(', ')}${type || (op === 'arange' ? ', dtype=torch.float32' : '')})`;
    }
    const data = v.data as Float32Array;
    if (data.length > 0 && data.every((x) => x === data[0]))
      return `torch.full(${tuple(v.shape.map(String))}, ${v.dtype === 'bool' ? (data[0] ? 'True' : 'False') : number(data[0] as number, v.dtype === 'float32')}${type})`;
    if (data.length <= WRITTEN_OUT && v.shape.length <= 1) {
      const list = Array.from(data, (x) => (v.dtype === 'bool' ? (x ? 'True' : 'False') : number(x, v.dtype === 'float32')));
      return `torch.tensor([${list.join(', ')}]${type})`;
    }
    const name = [...this.#constants].find(([, c]) => c.id === v.id && c.data?.length === v.data?.length)?.[0] ?? `c${this.#constants.size}`;
    this.#constants.set(name, v);
    return `CONSTANTS[${quoted(name)}]`;
  }

  /** A tree of values as Python. */
  #tree_(value: unknown): string {
    if (value instanceof Value) return this.#of(value);
    if (Array.isArray(value)) return tuple(value.map((v) => this.#tree_(v)));
    if (isPlainObject(value))
      return `{${Object.entries(value)
        .map(([key, v]) => `${quoted(key)}: ${this.#tree_(v)}`)
        .join(', ')}}`;
    if (typeof value === 'object' && value !== null) return refuse(`${this.#place} passes on an object of ${value.constructor?.name},`, 'which cannot be written down. Pass tensors, numbers and text.');
    if (typeof value === 'function') return refuse(`${this.#place} passes on a function,`, 'which cannot be written down.');
    return literal(value);
  }

  /** Gives names to the tensors in a tree that `text` stands for. */
  #bind(value: unknown, text: string): void {
    if (value instanceof Value) {
      if (!this.#names.has(value)) this.#names.set(value, text);
    } else if (Array.isArray(value)) value.forEach((v, i) => this.#bind(v, `${text}[${i}]`));
    else if (isPlainObject(value)) for (const [key, v] of Object.entries(value)) this.#bind(v, `${text}[${quoted(key)}]`);
  }

  /** Names for what comes back, as the left side of an assignment. */
  #targets(value: unknown, wish: string): string {
    if (Array.isArray(value) && value.length > 0 && value.every((v) => v instanceof Value || Array.isArray(v)))
      return value.map((v, i) => (Array.isArray(v) ? `(${this.#targets(v, `${wish}_${i}`)})` : this.#targets(v, i === 0 ? wish : `${wish}_${i}`))).join(', ');
    const name = this.#fresh(wish);
    this.#bind(value, name);
    return name;
  }

  #node(node: Node): void {
    if (!this.#needed.has(node)) return;
    const mean = meanOf(node);
    const [from, to] = mean ? [[mean.of], mean.sum] : [node.inputs, node];
    const [, mask] = node.inputs;
    const args = from.map((v) => this.#of(v));
    if (node.op === 'mul' && mask?.origin?.kind === 'random' && mask.origin.kernel === 'dropoutMask' && mask.shape.join() === node.output.shape.join()) {
      const training = this.#call ? 'self.training' : 'model.training';
      this.#assign(node, `F.dropout(${args[0]}, ${number(mask.origin.p, true)}, ${training})`);
    } else this.#assign(node, mean ? meanExpression(to, args[0] as string) : expressionOf(node, args));
  }

  #assign(node: Node, text: string): void {
    const name = this.#fresh(node.kind === 'view' ? (node.op === 'view' ? 'reshaped' : node.op) : meanOf(node) ? 'mean' : snake(node.op).replace(/_$/, ''));
    this.#names.set(node.output, name);
    this.#lines.push(`${name} = ${text}`);
  }

  #moduleCall(call: ModuleCall): void {
    const { path, module } = call;
    if (call.hooked) refuse(`the module ${path || call.className} has hooks,`, 'which are functions of this program. Remove them before, or put what they do into forward.');
    const prefix = this.#call?.path ? `${this.#call.path}.` : '';
    if (!path.startsWith(prefix)) refuse(`${this.#place} calls '${path}', which is not inside of it.`, 'Keep the module in a field of it.');
    const reach = this.#call || path ? this.#tree.access(this.#call ? 'self' : 'model', this.#call?.path ?? '', path.slice(prefix.length)) : 'model';
    const args = call.inputs.map((x) => x);
    while (args.length > 0 && (args[args.length - 1] === undefined || args[args.length - 1] === null)) args.pop();
    let named: string[] = [];
    if (isLayer(module)) {
      const most = positionalInputs(module);
      const options = args.slice(most);
      if (options.length > 1 || (options.length === 1 && !(isPlainObject(options[0]) && most === 3)))
        refuse(`${path} (${call.className}) is called with ${Object.keys(isPlainObject(options[0]) ? options[0] : {}).join(', ') || 'more arguments'},`, 'which its counterpart in PyTorch does not take this way.');
      named = keywords(Object.fromEntries(Object.entries((options[0] as object | undefined) ?? {}).flatMap(([k, v]) => (v === undefined || v === null ? [] : [[k, v instanceof Value ? { code: this.#of(v) } : v]]))));
      args.splice(most);
    }
    const text = `${reach}(${[...args.map((x) => this.#tree_(x)), ...named].join(', ')})`;
    const last = path.split('.').filter((s) => !/^\d+$/.test(s)).at(-1) ?? (call.className || 'output');
    const index = /\.?(\d+)$/.exec(path)?.[1];
    const output = isLayer(module) && Array.isArray(call.output) && call.output[1] === null ? [call.output[0]] : call.output;
    if (output !== call.output) this.#lines.push(`${this.#targets(output, last)}, _ = ${text}`);
    else this.#lines.push(`${this.#targets(output, path === '' ? 'output' : index ? `${last}_${index}` : last)} = ${text}`);
  }

  /** The whole body. */
  body(inputs: readonly unknown[], wishes: readonly string[], output: unknown): Body {
    const params = inputs.map((input, i) => {
      const name = this.#fresh(wishes[i] ?? (i === 0 ? 'x' : `x${i}`));
      this.#bind(input, name);
      return name;
    });
    const { nodes, calls } = this.#graph;
    const mine = calls.filter((c) => c.parent === this.#call);
    const [first, last] = this.#call ? [this.#call.first, this.#call.last] : [0, nodes.length];
    let next = 0;
    for (let i = first; i <= last; ) {
      const call = mine[next];
      if (call && call.first === i) {
        next++;
        this.#moduleCall(call);
        i = call.last;
      } else if (i === last) break;
      else this.#node(nodes[i++] as Node);
    }
    this.#lines.push(`return ${this.#tree_(output)}`);
    return { params, lines: this.#lines };
  }
}

/** The nodes that an output or a write in place goes by. */
function neededIn(graph: Graph): ReadonlySet<Node> {
  const needed = new Set<Node>();
  const visit = (v: unknown): void => {
    if (v instanceof Value) {
      if (!v.node || needed.has(v.node)) return;
      needed.add(v.node);
      const mean = meanOf(v.node);
      for (const x of mean ? [mean.of] : v.node.inputs) visit(x);
    } else if (Array.isArray(v)) for (const x of v) visit(x);
    else if (isPlainObject(v)) for (const x of Object.values(v)) visit(x);
  };
  for (const call of graph.calls) visit([call.inputs, call.output]);
  for (const node of graph.nodes) if (node.kind === 'write') visit(node.output);
  visit(graph.output);
  return needed;
}

/** Numbers that differ between two batch sizes as the sizes do, by the size: what is left differs for another reason. */
export function bySize(lines: readonly string[], smaller: readonly string[], n: number, m: number, size: string): string[] | null {
  if (lines.length !== smaller.length) return null;
  const parts = (line: string): string[] => line.split(/((?<![\w.])\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w.]))/);
  const out: string[] = [];
  for (const [i, line] of lines.entries()) {
    const [a, b] = [parts(line), parts(smaller[i] as string)];
    if (a.length !== b.length) return null;
    const text = a.map((part, j) => {
      const other = b[j] as string;
      if (part === other) return part;
      const [x, y] = [Number(part), Number(other)];
      if (j % 2 === 0) return null;
      if (Number.isInteger(x) && x * m === y * n && x % n === 0) return x === n ? size : `${x / n} * ${size}`;
      if (Math.abs(x * n - y * m) <= 1e-5 * Math.abs(x * n)) return `${Number((x * n).toPrecision(6))} / ${size}`;
      return null;
    });
    if (text.includes(null)) return null;
    out.push(text.join(''));
  }
  return out;
}

/** A model's modules as Python makes them, and where their parts are reached. */
export class Tree {
  /** Classes by their text; what comes out is their names. */
  readonly classes = new Map<string, string>();
  readonly notes = new Set<string>();
  readonly constants: Constants = new Map();
  readonly #traces: Traces;
  readonly #root: Module;
  /** Paths that lead into a dictionary. */
  readonly #dicts = new Set<string>();
  readonly #paths = new Map<Module, string>();
  /** Modules that stand under several paths. */
  readonly #again: [path: string, first: string][] = [];

  constructor(root: Module, traces: Traces) {
    this.#root = root;
    this.#traces = traces;
    this.#survey(root, '');
  }

  /** Finds where dictionaries are, and modules of several paths. */
  #survey(m: Module, path: string): void {
    this.#paths.set(m, path);
    const own = m[FIELDS]().own;
    if (containerOf(m) === 'ModuleDict') this.#dicts.add(path);
    for (const [name] of own) {
      const segments = name.split('.');
      for (let i = 1; i < segments.length; i++) {
        const here = segments.slice(0, i).join('.');
        const keys = own.filter(([n]) => n.startsWith(`${here}.`)).map(([n]) => n.slice(here.length + 1).split('.')[0] as string);
        if (!keys.every((k) => /^\d+$/.test(k))) this.#dicts.add(path ? `${path}.${here}` : here);
      }
    }
    for (const [name, value] of own) {
      if (!(value instanceof Module)) continue;
      const at = path ? `${path}.${name}` : name;
      const first = this.#paths.get(value);
      if (first === undefined) this.#survey(value, at);
      else this.#again.push([at, first]);
    }
  }

  /** A path as Python reaches it from the module at `base`. */
  access(from: string, base: string, path: string): string {
    let at = base;
    let text = from;
    for (const segment of path === '' ? [] : path.split('.')) {
      text += step(segment, this.#dicts.has(at));
      at = at ? `${at}.${segment}` : segment;
    }
    return text;
  }

  /** The expression that makes a module. */
  #made(m: Module, path: string): string {
    if (this.#paths.get(m) !== path) return 'nn.Identity()';
    const layer = construct(m);
    if (layer) return layer;
    const container = containerOf(m);
    if (!container) return `${this.#class(m, path)}()`;
    const parts = m[FIELDS]().own.map(([name, value]) => {
      if (!(value instanceof Module)) return refuse(`the ${container} at '${path}' holds a tensor beside its modules.`, 'Write a class of its own for it.');
      const made = this.#made(value, path ? `${path}.${name}` : name);
      return container === 'ModuleDict' ? `${quoted(name)}: ${made}` : made;
    });
    const [open, close] = container === 'Sequential' ? ['(', ')'] : container === 'ModuleList' ? ['([', '])'] : ['({', '})'];
    return `nn.${container}${open}\n${indented(parts.map((p) => `${p.replaceAll('\n', '\n    ')},`)).join('\n')}\n${close}`;
  }

  #tensor(t: Tensor): string {
    return `torch.${t.dtype === 'float32' ? 'empty' : 'zeros'}(${tuple(t.shape.map(String))}${t.dtype === 'float32' ? '' : `, dtype=${TYPES[t.dtype]}`})`;
  }

  /** Fields by their first name: a part, or a list or dictionary of parts. */
  #fields(own: readonly (readonly [string, Module | Tensor])[], path: string): [name: string, text: string, isBuffer: boolean][] {
    const heads = [...new Set(own.map(([name]) => name.split('.')[0] as string))];
    return heads.map((head) => {
      const at = path ? `${path}.${head}` : head;
      const exact = own.find(([name]) => name === head);
      if (exact) {
        const [, value] = exact;
        if (value instanceof Module) return [head, this.#made(value, at), false];
        return value instanceof Parameter ? [head, `nn.Parameter(${this.#tensor(value)}${value.dtype === 'float32' ? '' : ', requires_grad=False'})`, false] : [head, this.#tensor(value), true];
      }
      const inner = own.filter(([name]) => name.startsWith(`${head}.`)).map(([name, v]) => [name.slice(head.length + 1), v] as const);
      const parts = this.#fields(inner, at);
      const modules = inner.every(([, v]) => v instanceof Module);
      if (!modules && !inner.every(([, v]) => v instanceof Parameter)) refuse(`the field '${at}' holds modules and tensors, or buffers, in one list or object.`, 'Give each a field of its own.');
      const kind = `${modules ? 'Module' : 'Parameter'}${this.#dicts.has(at) ? 'Dict' : 'List'}`;
      const [open, close] = this.#dicts.has(at) ? ['({', '})'] : ['([', '])'];
      const lines = parts.map(([name, text]) => `${this.#dicts.has(at) ? `${quoted(name)}: ` : ''}${text.replaceAll('\n', '\n    ')},`);
      return [head, `nn.${kind}${open}\n${indented(lines).join('\n')}\n${close}`, false];
    });
  }

  /** The name of the class that a module of no PyTorch class gets. */
  #class(m: Module, path: string): string {
    const init = this.#fields(m[FIELDS]().own as never, path).flatMap(([name, text, isBuffer]) => {
      if (!isName(name)) refuse(`the field '${name}' of ${m.constructor.name}`, 'is no name in Python. Rename it.');
      return (isBuffer ? `self.register_buffer(${quoted(name)}, ${text})` : `self.${name} = ${text}`).split('\n');
    });
    const isRoot = m === this.#root;
    if (isRoot) init.push(...this.#ties());
    const forward = this.#forward(m, path);
    const doc = classDoc(m);
    const text = [...doc, 'def __init__(self):', ...indented(['super().__init__()', ...init]), '', ...forward].join('\n');
    const known = this.classes.get(text);
    if (known) return known;
    const wish = nameOf(m.constructor.name || 'Model');
    const names = new Set([...this.classes.values(), 'nn', 'F', 'torch', 'CONSTANTS']);
    let name = wish;
    for (let i = 2; names.has(name); i++) name = `${wish}${i}`;
    this.classes.set(text, name);
    return name;
  }

  /** What stands under several names, put there; what is not trained, frozen. */
  #ties(): string[] {
    const lines = this.#again.map(([path, first]) => `${this.access('self', '', path)} = ${this.access('self', '', first)}  # one module under two names`);
    for (const v of this.#traces.graph.state) {
      const [first, ...rest] = v.names as [string, ...string[]];
      for (const name of rest) if (!this.#again.some(([path]) => name.startsWith(`${path}.`))) lines.push(`${this.access('self', '', name)} = ${this.access('self', '', first)}  # tied`);
    }
    for (const [name, p] of this.#root.namedParameters()) if (!p.requiresGrad && p.dtype === 'float32') lines.push(`${this.access('self', '', name)}.requires_grad_(False)`);
    return lines;
  }

  #forward(m: Module, path: string): string[] {
    const { graph, smaller, evaluating } = this.#traces;
    const at = graph.calls.map((c, i) => (c.module === m ? i : -1)).filter((i) => i >= 0);
    const names = parametersOf(m);
    if (at.length === 0) {
      this.notes.add(`${path || m.constructor.name}: forward was not called with the example batch, so it is not written.`);
      return ['def forward(self, *args):', `    raise NotImplementedError(${quoted(`forward of ${m.constructor.name} was not called when this file was written`)})`];
    }
    const bodies = at.map((i) => this.#body(graph, smaller, i, names));
    const [first, ...others] = bodies.map((b) => b.lines.join('\n'));
    if (others.some((text) => text !== first))
      refuse(`the module '${path}' (${m.constructor.name}) did different things in its ${at.length} calls.`, 'Give each use a module of its own, tie their parameters where they shall share them, or split its forward.');
    const { params, lines } = bodies[0] as Body;
    const head = `def forward(${['self', ...params].join(', ')}):`;
    const note = /\b(if|for|while|switch)\b|\?(?![.?])/.test(sourceOf(m)) && this.#isUsers(m) ? ['# The source has branches or loops: this is the way that the example batch took.'] : [];
    if (note.length > 0) this.notes.add(`${m.constructor.name}.forward has branches or loops; what is written is the way that the example batch took.`);
    if (!graph.askedMode.has(m) || !evaluating) return [head, ...indented([...note, ...lines])];
    const there = evaluating.calls.findIndex((c) => c.module === m);
    if (there < 0) return [head, ...indented([...note, '# Not called in evaluation mode.', ...lines])];
    const other = this.#body(evaluating, null, there, names);
    if (other.lines.join('\n') === lines.join('\n')) return [head, ...indented([...note, ...lines])];
    return [head, ...indented([...note, 'if self.training:', ...indented(lines), 'else:', ...indented(other.lines)])];
  }

  #isUsers(m: Module): boolean {
    return isOwn(m);
  }

  #body(graph: Graph, smaller: Graph | null, index: number, names: readonly string[]): Body {
    const of = (g: Graph): Body => {
      const call = g.calls[index] as ModuleCall;
      return new Scope(g, call, this, this.constants).body(call.inputs, names, call.output);
    };
    return this.#general(of(graph), smaller && smaller.calls.length === graph.calls.length ? of(smaller) : null, (graph.calls[index] as ModuleCall).inputs, (smaller?.calls[index] as ModuleCall | undefined)?.inputs);
  }

  /** A body that goes by the batch's size where that can be said. */
  #general(body: Body, other: Body | null, inputs: readonly unknown[], fewer: readonly unknown[] | undefined): Body {
    if (!other) return body;
    if (body.lines.join('\n') === other.lines.join('\n')) return body;
    const found = sizeIn(inputs, fewer ?? [], body.params);
    const lines = found && bySize(body.lines, other.lines, found.n, found.m, found.text);
    if (lines) return { ...body, lines };
    this.notes.add('Some sizes are those of the example batch: use batches of its size.');
    return body;
  }

  /** The function around all calls, as `def name(model, …)`. */
  function(name: string, wishes: readonly string[]): string[] {
    const { graph, smaller } = this.#traces;
    const of = (g: Graph): Body => new Scope(g, null, this, this.constants).body(g.inputs, wishes, g.output);
    const { params, lines } = this.#general(of(graph), smaller && of(smaller), graph.inputs, smaller?.inputs);
    return [`def ${name}(${['model', ...params].join(', ')}):`, ...indented(lines)];
  }

  /** The expression that makes the whole model; `classes` has what it needs then. */
  root(): string {
    return this.#made(this.#root, '');
  }

  /** What a root of PyTorch's own class needs beside its constructor. */
  ties(): string[] {
    return isOwn(this.#root) ? [] : this.#ties().map((line) => line.replaceAll('self', 'model'));
  }
}

/** What a class was made with: its plain fields, for readers. */
function classDoc(m: Module): string[] {
  const settings = Object.entries(settingsOf(m)).filter(([, v]) => v !== null);
  return settings.length === 0 ? [] : [`# ${m.constructor.name}: ${settings.map(([k, v]) => `${k} ${literal(v)}`).join(', ')}`];
}

const sourceOf = (m: Module): string => String((m.constructor as { prototype?: { forward?: unknown } }).prototype?.forward ?? '');

/** The names of forward's parameters in the source, where they are plain. */
function parametersOf(m: Module): string[] {
  const list = /^[^(]*\(([^)]*)\)/.exec(sourceOf(m))?.[1] ?? '';
  const names = list.split(',').map((p) => p.trim().split(/[\s=:?]/)[0] as string);
  return names.every((n) => /^[A-Za-z_$][\w$]*$/.test(n)) ? names : [];
}

/** Where a function sees the batch's size: a dimension of one of its tensors. */
function sizeIn(inputs: readonly unknown[], smaller: readonly unknown[], names: readonly string[]): { n: number; m: number; text: string } | null {
  const look = (a: unknown, b: unknown, text: string): { n: number; m: number; text: string } | null => {
    if (a instanceof Value && b instanceof Value) {
      const d = a.shape.findIndex((n, i) => n !== b.shape[i]);
      return d < 0 ? null : { n: a.shape[d] as number, m: b.shape[d] as number, text: `${text}.size(${d})` };
    }
    if (Array.isArray(a) && Array.isArray(b)) for (const [i, x] of a.entries()) {
      const found = look(x, b[i], `${text}[${i}]`);
      if (found) return found;
    }
    return null;
  };
  for (const [i, x] of inputs.entries()) {
    const found = look(x, smaller[i], names[i] as string);
    if (found) return found;
  }
  return null;
}
