// What a model is made of: a table of layers, shapes, parameters and memory, from one run.
import { withModes } from '../module/modes.ts';
import { Module } from '../module/module.ts';
import { Parameter } from '../module/parameter.ts';
import { assertArity, valueText } from '../tensor/check.ts';
import { shapeText, valueError } from '../tensor/errors.ts';
import { refuseWhileRecording } from '../tensor/recording.ts';
import { scope } from '../tensor/scope.ts';
import type { Shape } from '../tensor/shape.ts';
import { noGrad } from '../tensor/modes.ts';
import { Tensor } from '../tensor/tensor.ts';
import { bytesText, table } from './table.ts';

/** A layer of a summary. */
export interface SummaryRow {
  /** Its dotted path; '' for the model. */
  readonly path: string;
  /** Its class. */
  readonly name: string;
  /** Shapes of the tensors that it gave, each time that it was called; none where it was not. */
  readonly outputs: readonly Shape[];
  /** Its own parameters, without those of the layers inside. */
  readonly parameters: number;
  /** Whether all of its own parameters are trained; null where it has none. */
  readonly trainable: boolean | null;
  /** Bytes of what it gave. */
  readonly bytes: number;
}

/** A model's layers, and sums over them. */
export interface Summary {
  /** Layers, outer before inner. */
  readonly rows: readonly SummaryRow[];
  /** Parameters, shared ones once. */
  readonly parameters: number;
  /** Those that are trained. */
  readonly trainable: number;
  /** Bytes of parameters and buffers. */
  readonly parameterBytes: number;
  /** Bytes of what innermost layers gave: about what a backward pass needs. */
  readonly outputBytes: number;
  /** As a table. */
  toString(): string;
}

/** The tensors in what a layer gave, however deep; an object that holds itself is looked at once. */
function tensorsIn(value: unknown, seen = new Set<unknown>()): Tensor[] {
  if (value instanceof Tensor) return [value];
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || seen.has(value)) return [];
  seen.add(value);
  const parts: unknown[] = Array.isArray(value) ? value : value instanceof Map || value instanceof Set ? [...value.values()] : Object.values(value);
  return parts.flatMap((part) => tensorsIn(part, seen));
}

const sizeOfAll = (list: readonly Tensor[]): number => list.reduce((sum, t) => sum + t.size, 0);

/**
 * Runs a model once on the given inputs, without gradients and in evaluation mode (modes are as they were afterwards), and tells of each layer what it gave and holds.
 * Print it, or read its rows.
 *
 * @param inputs what `forward` takes
 * @example
 * console.log(String(summary(model, randn([1, 3, 32, 32]))));
 * @throws VALUE where it is no module; what the model's forward throws
 */
export function summary<Inputs extends readonly unknown[]>(model: Module & { forward(...inputs: Inputs): unknown }, ...inputs: Inputs): Summary {
  assertArity('summary', arguments.length, 1 + inputs.length);
  if (!(model instanceof Module)) throw valueError('summary', `takes a module, got ${valueText(model)}.`);
  refuseWhileRecording('summary', 'a model is summed up', 'Call it outside of the step.');
  const modules = [...model.namedModules()];
  const outputs = new Map<Module, Shape[]>();
  const bytes = new Map<Module, number>();
  const hooks = modules.map(([, m]) =>
    m.registerForwardHook((_, __, output) => {
      const given = tensorsIn(output);
      outputs.set(m, [...(outputs.get(m) ?? []), ...given.map((t) => [...t.sizes])]);
      bytes.set(m, (bytes.get(m) ?? 0) + 4 * sizeOfAll(given));
    }),
  );
  try {
    withModes([model], () => {
      model.eval();
      scope(() => {
        noGrad(() => (model.forward as (...all: readonly unknown[]) => unknown)(...inputs));
      });
    });
  } finally {
    for (const h of hooks) h.remove();
  }
  const counted = new Set<Tensor>();
  const rows = modules.map(([path, m]): SummaryRow => {
    const inner = new Set(Array.from(m.namedChildren(), ([, c]) => [...c.namedParameters()].map(([, p]) => p)).flat());
    const own = m.parameters().filter((p) => !inner.has(p) && !counted.has(p));
    for (const p of own) counted.add(p);
    return {
      path,
      name: m.constructor.name,
      outputs: outputs.get(m) ?? [],
      parameters: sizeOfAll(own),
      trainable: own.length === 0 ? null : own.every((p) => p.requiresGrad),
      bytes: bytes.get(m) ?? 0,
    };
  });
  const parameters = model.parameters();
  const held = [...parameters, ...Array.from(model.namedBuffers(), ([, b]) => b)];
  const leaves = modules.filter(([, m]) => [...m.namedChildren()].length === 0);
  const totals = {
    rows,
    parameters: sizeOfAll(parameters),
    trainable: sizeOfAll(parameters.filter((p) => p instanceof Parameter && p.requiresGrad)),
    parameterBytes: 4 * sizeOfAll(held),
    outputBytes: leaves.reduce((sum, [, m]) => sum + (bytes.get(m) ?? 0), 0),
  };
  const text = textOf(totals);
  return { ...totals, toString: () => text };
}

const grouped = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ' ');

function textOf({ rows, parameters, trainable, parameterBytes, outputBytes }: Omit<Summary, 'toString'>): string {
  const above = (path: string): SummaryRow[] => rows.filter((r) => r.path !== path && (r.path === '' || path.startsWith(`${r.path}.`)));
  const lines = rows.map((r) => {
    const outer = above(r.path); // `layers.1` of a list is one step down
    const name = r.path.slice(Math.max(0, ...outer.map(({ path }) => (path ? path.length + 1 : 0))));
    const shapes = r.outputs.map((s) => shapeText(s));
    const shown = shapes.length > 2 ? `${shapes[0]} × ${shapes.length}` : shapes.join(', ');
    return [
      `${'  '.repeat(outer.length)}${r.path === '' ? '' : `(${name}) `}${r.name}`,
      shown || '–',
      r.parameters ? grouped(r.parameters) : '–',
      r.trainable === null ? '' : r.trainable ? 'yes' : 'frozen',
      r.bytes ? bytesText(r.bytes) : '–',
    ];
  });
  const body = table(['layer', 'output', '>parameters', 'trained', '>memory'], lines);
  return `${body}\n${grouped(parameters)} parameters (${grouped(trainable)} trained), ${bytesText(parameterBytes)}; outputs ${bytesText(outputBytes)}`;
}
