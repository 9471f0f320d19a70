// A traced model as Python: a class for each module that PyTorch does not have, whose forward is what the trace saw.
import { FIELDS } from '../module/fields.ts';
import { Module } from '../module/module.ts';
import { Parameter } from '../module/parameter.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type Body, bySize, type Constants, Scope, sizeIn, TYPES } from './body.ts';
import { type Graph, type ModuleCall, settingsOf } from './graph.ts';
import { construct, containerOf, isLayer } from './layers.ts';
import { indented, isName, literal, nameOf, quoted, refuse, tuple } from './python.ts';

/** Traces of one function: of the example batch, of a part of it (to see what goes by its size), in evaluation mode (to see what goes by the mode). */
export interface Traces {
  readonly graph: Graph;
  readonly smaller: Graph | null;
  readonly evaluating: Graph | null;
  /** Whether the function could not be traced with fewer samples. */
  readonly isFixed: boolean;
}

const FIXED = 'Some sizes are those of the example batch: use batches of its size.';

/** A part of a path as Python reaches it. */
const step = (segment: string, inDict: boolean): string => (inDict ? `[${quoted(segment)}]` : /^\d+$/.test(segment) ? `[${segment}]` : `.${segment}`);

/** Whether forwards of the class are written out: neither a layer of PyTorch's nor one of its containers. */
const isOwn = (m: Module): boolean => !isLayer(m) && !containerOf(m);

/** A module's part of a class: expressions of its fields, and what is shared by those that are alike. */
interface Instance {
  readonly wish: string;
  readonly fields: readonly (readonly [name: string, text: string, isBuffer: boolean])[];
  /** What stands behind the fields, and the rest of the class. */
  readonly after: readonly string[];
  readonly forward: readonly string[];
  readonly doc: readonly string[];
}

/** Stands for the call of a class that has no name yet. */
const mark = (i: number): string => `⟨${i}⟩`;
const MARK = /⟨\d+⟩/;
const MARKS = /⟨\d+⟩/g;

/** What modules of one class must have in common. */
const shapeOfClass = ({ fields, after, forward }: Instance): string => JSON.stringify([fields.map(([name, , isBuffer]) => [name, isBuffer]), after, forward]);

/** A model's modules as Python makes them, and where their parts are reached. */
export class Tree {
  /** What the reader of the file must know. */
  readonly notes = new Set<string>();
  readonly constants: Constants = new Map();
  readonly #instances: Instance[] = [];
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
    if (traces.isFixed) this.notes.add(FIXED);
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
  readonly access = (from: string, base: string, path: string): string => {
    let at = base;
    let text = from;
    for (const segment of path === '' ? [] : path.split('.')) {
      text += step(segment, this.#dicts.has(at));
      at = at ? `${at}.${segment}` : segment;
    }
    return text;
  };

  /** The expression that makes a module. */
  #made(m: Module, path: string): string {
    if (this.#paths.get(m) !== path) return 'nn.Identity()';
    const layer = construct(m);
    if (layer) return layer;
    const container = containerOf(m);
    if (!container) return this.#own(m, path);
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
        return value instanceof Parameter
          ? [head, `nn.Parameter(${this.#tensor(value)}${value.dtype === 'float32' ? '' : ', requires_grad=False'})`, false]
          : [head, this.#tensor(value), true];
      }
      const inner = own.filter(([name]) => name.startsWith(`${head}.`)).map(([name, v]) => [name.slice(head.length + 1), v] as const);
      const parts = this.#fields(inner, at);
      const modules = inner.every(([, v]) => v instanceof Module);
      if (!modules && !inner.every(([, v]) => v instanceof Parameter))
        refuse(`the field '${at}' holds modules and tensors, or buffers, in one list or object.`, 'Give each a field of its own.');
      const kind = `${modules ? 'Module' : 'Parameter'}${this.#dicts.has(at) ? 'Dict' : 'List'}`;
      const [open, close] = this.#dicts.has(at) ? ['({', '})'] : ['([', '])'];
      const lines = parts.map(([name, text]) => `${this.#dicts.has(at) ? `${quoted(name)}: ` : ''}${text.replaceAll('\n', '\n    ')},`);
      return [head, `nn.${kind}${open}\n${indented(lines).join('\n')}\n${close}`, false];
    });
  }

  /** A module of no PyTorch class: a mark that `classes` puts the call of its class in the place of. */
  #own(m: Module, path: string): string {
    const fields = this.#fields(m[FIELDS]().own as never, path);
    for (const [name] of fields) if (!isName(name)) refuse(`the field '${name}' of ${m.constructor.name}`, 'is no name in Python. Rename it.');
    const after = m === this.#root ? this.#ties() : [];
    this.#instances.push({ wish: nameOf(m.constructor.name || 'Model'), fields, after, forward: this.#forward(m, path), doc: classDoc(m) });
    return mark(this.#instances.length - 1);
  }

  /**
   * The classes, inner ones first, and the expression that makes the model. Modules of one class that differ in what they are made of alone share one, whose
   * constructor is given these parts.
   */
  classes(): { classes: string[]; root: string } {
    let root = this.#made(this.#root, '');
    let left = this.#instances.map((instance, i) => ({ ...instance, i }));
    const classes: string[] = [];
    const names = new Set(['nn', 'F', 'torch', 'CONSTANTS']);
    while (left.length > 0) {
      const kin = (a: (typeof left)[0]) => left.filter((b) => a.wish === b.wish && shapeOfClass(a) === shapeOfClass(b));
      const isReady = (a: (typeof left)[0]): boolean => !a.fields.some(([, text]) => MARK.test(text));
      // One whose kin contain it (a tree of blocks) is written for itself.
      const first = left.find((a) => kin(a).every(isReady));
      const group = first ? kin(first) : [left.find(isReady) as (typeof left)[0]];
      const [model] = group as [(typeof left)[0]];
      let name = model.wish;
      for (let n = 2; names.has(name); n++) name = `${model.wish}${n}`;
      names.add(name);
      const varies = model.fields.map(([, text], j) => group.some((g) => g.fields[j]?.[1] !== text));
      const params = model.fields.flatMap(([field], j) => (varies[j] ? [field] : []));
      const init = model.fields.flatMap(([field, text, isBuffer], j) => {
        const value = varies[j] ? field : text;
        return (isBuffer ? `self.register_buffer(${quoted(field)}, ${value})` : `self.${field} = ${value}`).split('\n');
      });
      const doc = group.every((g) => g.doc.join() === model.doc.join()) ? model.doc : [];
      const lines = [...doc, `def __init__(${['self', ...params].join(', ')}):`, ...indented(['super().__init__()', ...init, ...model.after]), '', ...model.forward];
      classes.push(['', '', `class ${name}(nn.Module):`, ...indented(lines)].join('\n'));
      const calls = new Map(group.map((g) => [mark(g.i), `${name}(${g.fields.flatMap(([, text], j) => (varies[j] ? [text] : [])).join(', ')})`]));
      const put = (text: string): string => text.replace(MARKS, (m) => calls.get(m) ?? m);
      left = left.filter((g) => !group.includes(g)).map((g) => ({ ...g, fields: g.fields.map(([field, text, isBuffer]) => [field, put(text), isBuffer] as const) }));
      root = put(root);
    }
    return { classes, root };
  }

  /** What stands under several names, put there; what is not trained, frozen. */
  #ties(): string[] {
    const lines = this.#again.map(([path, first]) => `${this.access('self', '', path)} = ${this.access('self', '', first)}  # one module under two names`);
    for (const v of this.#traces.graph.state) {
      const [first, ...rest] = v.names as [string, ...string[]];
      for (const name of rest)
        if (!this.#again.some(([path]) => name.startsWith(`${path}.`))) lines.push(`${this.access('self', '', name)} = ${this.access('self', '', first)}  # tied`);
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
      refuse(
        `the module '${path}' (${m.constructor.name}) did different things in its ${at.length} calls.`,
        'Give each use a module of its own, tie their parameters where they shall share them, or split its forward.',
      );
    const { params, lines } = bodies[0] as Body;
    const head = `def forward(${['self', ...params].join(', ')}):`;
    const note = /\b(if|for|while|switch)\b|\?(?![.?])/.test(sourceOf(m)) ? ['# The source has branches or loops: this is the way that the example batch took.'] : [];
    if (note.length > 0) this.notes.add(`${m.constructor.name}.forward has branches or loops; what is written is the way that the example batch took.`);
    if (!graph.askedMode.has(m) || !evaluating) return [head, ...indented([...note, ...lines])];
    const there = evaluating.calls.findIndex((c) => c.module === m);
    if (there < 0) return [head, ...indented([...note, '# Not called in evaluation mode.', ...lines])];
    const other = this.#body(evaluating, null, there, names);
    if (other.lines.join('\n') === lines.join('\n')) return [head, ...indented([...note, ...lines])];
    return [head, ...indented([...note, 'if self.training:', ...indented(lines), 'else:', ...indented(other.lines)])];
  }

  #body(graph: Graph, smaller: Graph | null, index: number, names: readonly string[]): Body {
    const of = (g: Graph): Body => {
      const call = g.calls[index] as ModuleCall;
      return new Scope(g, call, this.access, this.constants).body(call.inputs, names, call.output);
    };
    return this.#general(
      of(graph),
      smaller && smaller.calls.length === graph.calls.length ? of(smaller) : null,
      (graph.calls[index] as ModuleCall).inputs,
      (smaller?.calls[index] as ModuleCall | undefined)?.inputs,
    );
  }

  /** A body that goes by the batch's size where that can be said. */
  #general(body: Body, other: Body | null, inputs: readonly unknown[], fewer: readonly unknown[] | undefined): Body {
    if (!other) return body;
    if (body.lines.join('\n') === other.lines.join('\n')) return body;
    const found = sizeIn(inputs, fewer ?? [], body.params);
    const lines = found && bySize(body.lines, other.lines, found.n, found.m, found.text);
    if (lines) return { ...body, lines };
    this.notes.add(FIXED);
    return body;
  }

  /** The function around all calls, as `def name(model, …)`. */
  function(name: string, wishes: readonly string[]): string[] {
    const { graph, smaller } = this.#traces;
    const of = (g: Graph): Body => new Scope(g, null, this.access, this.constants).body(g.inputs, wishes, g.output);
    const { params, lines } = this.#general(of(graph), smaller && of(smaller), graph.inputs, smaller?.inputs);
    return [`def ${name}(${['model', ...params].join(', ')}):`, ...indented(lines)];
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
