// What one call of a module did, as the body of a Python function.
import { isPlainObject } from '../tensor/check.ts';
import { sameShape } from '../tensor/shape.ts';
import { asTensor, expressionOf, isScalar, meanExpression, meanOf } from './expressions.ts';
import { type Gradient, type Graph, type ModuleCall, type Node, Value } from './graph.ts';
import { isLayer, positionalInputs } from './layers.ts';
import { keywords, list, literal, nameOf, number, quoted, refuse, snake, tuple } from './python.ts';

/** Constants that are too large to be written out, by name. */
export type Constants = Map<string, Value>;

/** How a path is reached in Python, from a variable that stands for the module at `base`. */
export type Access = (from: string, base: string, path: string) => string;

/** As many numbers as are written out. */
const WRITTEN_OUT = 32;
export const TYPES = { float32: 'torch.float32', int32: 'torch.int64', bool: 'torch.bool' } as const;

/** What `neededIn` found, for each call of a graph. */
const NEEDED = /* @__PURE__ */ new WeakMap<Graph, ReadonlySet<Node>>();

/** The body of a function, and what it is called with. */
export interface Body {
  readonly params: string[];
  readonly lines: string[];
}

/** Writes what one call of a module (or, with null, the function around all calls) did. */
export class Scope {
  readonly #names = new Map<Value, string>();
  readonly #taken = new Set(['self', 'model', 'nn', 'F', 'torch', 'CONSTANTS', 'losses', 'math', 'd']);
  readonly #lines: string[] = [];
  readonly #graph: Graph;
  readonly #call: ModuleCall | null;
  readonly #access: Access;
  readonly #constants: Constants;
  readonly #needed: ReadonlySet<Node>;

  constructor(graph: Graph, call: ModuleCall | null, access: Access, constants: Constants) {
    this.#graph = graph;
    this.#call = call;
    this.#access = access;
    this.#constants = constants;
    this.#needed = NEEDED.get(graph) ?? neededIn(graph);
    NEEDED.set(graph, this.#needed);
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
    return this.#access(this.#call ? 'self' : 'model', this.#call?.path ?? '', name.slice(prefix.length));
  }

  #constant(v: Value): string {
    if (!this.#graph.leaves.has(v)) return this.#constantText(v);
    const name = this.#fresh('leaf');
    this.#names.set(v, name);
    this.#lines.push(`${name} = ${asTensor(this.#constantText(v))}.requires_grad_()`);
    return name;
  }

  #constantText(v: Value): string {
    if (isScalar(v)) {
      const x = v.data?.[0] as number;
      return v.dtype === 'bool' ? (x ? 'True' : 'False') : number(x, v.dtype === 'float32');
    }
    const { origin } = v;
    const shape = v.shape.join(', ');
    const type = v.dtype === 'float32' ? '' : `, dtype=${TYPES[v.dtype]}`;
    if (origin?.kind === 'opaque')
      return refuse(`${this.#place} uses a tensor made by ${origin.kernels.join(', ')} outside of any op,`, 'which cannot be written down. Use a layer of nn, or other functions.');
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
    const isSame = (c: Value): boolean => c.dtype === v.dtype && sameShape(c.shape, v.shape) && data.every((x, i) => x === c.data?.[i]);
    const name = [...this.#constants].find(([, c]) => isSame(c))?.[0] ?? `c${this.#constants.size}`;
    this.#constants.set(name, v);
    return `CONSTANTS[${quoted(name)}]`;
  }

  /** A tree of values as Python. */
  #built(value: unknown): string {
    if (value instanceof Value) return this.#of(value);
    if (Array.isArray(value)) return tuple(value.map((v) => this.#built(v)));
    if (isPlainObject(value))
      return `{${Object.entries(value)
        .map(([key, v]) => `${quoted(key)}: ${this.#built(v)}`)
        .join(', ')}}`;
    if (typeof value === 'object' && value !== null)
      return refuse(`${this.#place} passes on an object of ${value.constructor?.name},`, 'which cannot be written down. Pass tensors, numbers and text.');
    if (typeof value === 'function') return refuse(`${this.#place} passes on a function,`, 'which cannot be written down.');
    return literal(value);
  }

  /** Gives names to the tensors in a tree that `text` stands for. */
  #bind(value: unknown, text: string): void {
    if (value instanceof Value) {
      if (!this.#names.has(value)) this.#names.set(value, text);
    } else if (Array.isArray(value)) for (const [i, v] of value.entries()) this.#bind(v, `${text}[${i}]`);
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

  #gradient(node: Node): void {
    const { outputs, started, flags } = node.attrs as Gradient;
    const names = node.inputs.map((v) => this.#of(v));
    let next = outputs + 1;
    const starts = started.some(Boolean) ? [list(started.map((is) => (is ? (names[next++] as string) : 'None')))] : [];
    this.#assign(node, `torch.autograd.grad(${[list(names.slice(0, outputs)), names[outputs] as string, ...starts, ...keywords(flags)].join(', ')})[0]`);
  }

  #node(node: Node): void {
    if (!this.#needed.has(node)) return;
    if (node.kind === 'grad') {
      this.#gradient(node);
      return;
    }
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
    this.#lines.push(`${name} = ${text}${this.#graph.leaves.has(node.output) ? '.requires_grad_()' : ''}`);
  }

  #moduleCall(call: ModuleCall): void {
    const { path, module } = call;
    const prefix = this.#call?.path ? `${this.#call.path}.` : '';
    if (!path.startsWith(prefix)) refuse(`${this.#place} calls '${path}', which is not inside of it.`, 'Keep the module in a field of it.');
    const reach = this.#call || path ? this.#access(this.#call ? 'self' : 'model', this.#call?.path ?? '', path.slice(prefix.length)) : 'model';
    const args = call.inputs.map((x) => x);
    while (args.length > 0 && (args[args.length - 1] === undefined || args[args.length - 1] === null)) args.pop();
    let named: string[] = [];
    if (isLayer(module)) {
      const most = positionalInputs(module);
      const options = args.slice(most);
      if (options.length > 1 || (options.length === 1 && !(isPlainObject(options[0]) && most === 3)))
        refuse(
          `${path} (${call.className}) is called with ${Object.keys(isPlainObject(options[0]) ? options[0] : {}).join(', ') || 'more arguments'},`,
          'which its counterpart in PyTorch does not take this way.',
        );
      named = keywords(
        Object.fromEntries(
          Object.entries((options[0] as object | undefined) ?? {}).flatMap(([k, v]) =>
            v === undefined || v === null ? [] : [[k, v instanceof Value ? { code: this.#of(v) } : v]],
          ),
        ),
      );
      args.splice(most);
    }
    const text = `${reach}(${[...args.map((x) => this.#built(x)), ...named].join(', ')})`;
    const last =
      path
        .split('.')
        .filter((s) => !/^\d+$/.test(s))
        .at(-1) ??
      (call.className || 'output');
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
    for (const leaf of this.#graph.leaves) if (leaf.kind === 'input' && this.#names.has(leaf)) this.#lines.push(`${this.#of(leaf)}.requires_grad_()`);
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
    this.#lines.push(`return ${this.#built(output)}`);
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

/** Where a function sees the batch's size: a dimension of one of its tensors. */
export function sizeIn(inputs: readonly unknown[], smaller: readonly unknown[], names: readonly string[]): { n: number; m: number; text: string } | null {
  const look = (a: unknown, b: unknown, text: string): { n: number; m: number; text: string } | null => {
    if (a instanceof Value && b instanceof Value) {
      const d = a.shape.findIndex((n, i) => n !== b.shape[i]);
      return d < 0 ? null : { n: a.shape[d] as number, m: b.shape[d] as number, text: `${text}.size(${d})` };
    }
    if (Array.isArray(a) && Array.isArray(b))
      for (const [i, x] of a.entries()) {
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
