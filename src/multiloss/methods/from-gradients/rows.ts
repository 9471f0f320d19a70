// What methods on whole Jacobians share: rows[p] is [m, n] for each parameter p.
import { innerProducts } from '../../../autograd/rows.ts';
import { full, tensor } from '../../../ops/create.ts';
import { copy_, zero_ } from '../../../ops/inplace.ts';
import { mm } from '../../../ops/matmul.ts';
import { cat, reshape, select, stack } from '../../../ops/movement.ts';
import { isPlainObject, type Kind } from '../../../tensor/check.ts';
import { GradloomError } from '../../../tensor/errors.ts';
import { doublesAt, writeFloats } from '../../../tensor/host.ts';
import { hostStep, recording } from '../../../tensor/recording.ts';
import { keep, outlive } from '../../../tensor/scope.ts';
import { empty, type Tensor } from '../../../tensor/tensor.ts';
import type { Stats } from '../method.ts';
import { FLOAT } from '../../checks.ts';
import { NAMES, numbers, type State, stateOf } from '../../state.ts';

/** Σ wᵢ·rowᵢ of one parameter, [n]; w is [m]. */
export function combined(w: Tensor, rows: Tensor): Tensor {
  const [m, n] = rows.sizes as [number, number];
  return reshape(mm(reshape(w, [1, m]), rows), [n]);
}

/** Numbers of the host as a tensor. */
export function vector(values: Float64Array): Tensor {
  return tensor(Float32Array.from(values));
}

/**
 * n numbers of the host as a tensor; in a captured step found anew at each replay. `work` gets where `inputs` lie by
 * then.
 */
export function fromHost(n: number, inputs: readonly Tensor[], work: (addresses: readonly number[]) => ArrayLike<number>): Tensor {
  const y = empty([n]);
  hostStep([y, ...inputs], ([address, ...rest]) => {
    writeFloats(address as number, work(rest));
  });
  return y;
}

/** ⟨rowᵢ, rowⱼ⟩ over all parameters, [m · m] on the host, from what `innerProducts` left of each. */
export function gramianAt(addresses: readonly number[], m: number): Float64Array {
  const blocks = addresses.map((address) => doublesAt(address, m * m));
  return new Float64Array(m * m).map((_, at) => blocks.reduce((sum, block) => sum + (block[at] as number), 0));
}

/** What `gramianAt` reads. */
export const productsOf = (rows: readonly Tensor[]): Tensor[] => rows.map((r) => innerProducts(r));

/** Rows of the losses met so far, [k, n], and whose gradients they are of: known once the parameter has come by. */
interface Kept {
  parameter: Tensor | null;
  readonly label: string;
  names: string[];
  rows: Tensor;
}

/** One parameter's rows as plain data. */
interface SavedRows {
  readonly label: string;
  readonly names: string[];
  readonly rows: number[];
}

const rowsOf = (element: Kind): Kind => ({
  what: `a list of { label, names, rows }, each element ${element.what}`,
  test: (v) =>
    Array.isArray(v) &&
    [...v].every(
      (k) =>
        isPlainObject(k) &&
        typeof k.label === 'string' &&
        NAMES.test(k.names) &&
        numbers(undefined, element).test(k.rows) &&
        (k.rows as number[]).length % (k.names as string[]).length === 0,
    ),
});

/** Squares, or sums of them. */
const SQUARE: Kind = { what: `${FLOAT.what}, ≥ 0`, test: (v) => FLOAT.test(v) && (v as number) >= 0 };

const widthOf = (kept: Kept): number => kept.rows.sizes[1] as number;

/** What a method remembers of each loss's gradient, parameter by parameter. */
export class RowMemory implements State {
  private readonly method: string;
  private readonly element: Kind;
  private list: Kept[] = [];

  /** @param squares whether the rows hold squares */
  constructor(method: string, squares = false) {
    this.method = method;
    this.element = squares ? SQUARE : FLOAT;
  }

  /**
   * Puts `step(old, row)` in the place of what is kept of each parameter's rows, zeros at first. Returns it, [m, n]
   * each.
   */
  next(rows: readonly Tensor[], { names, parameters }: Stats, step: (old: Tensor, rows: Tensor) => Tensor): Tensor[] {
    return rows.map((r, p) => {
      const kept = this.keptOf(p, r.sizes[1] as number, names, parameters?.[p]);
      if (kept.names.join('\n') === names.join('\n')) return copy_(kept.rows, step(kept.rows, r));
      const old = names.map((name) => select(kept.rows, 0, kept.names.indexOf(name)));
      const now = step(stack(old), r);
      old.forEach((row, i) => {
        copy_(row, select(now, 0, i));
      });
      return now;
    });
  }

  /** What is kept of a parameter of n elements, with a row for each of the losses. */
  private keptOf(p: number, n: number, names: readonly string[], parameter: Tensor | undefined): Kept {
    const { list } = this;
    const free = (label?: string): Kept | undefined => list.find((k) => k.parameter === null && widthOf(k) === n && (label === undefined || k.label === label));
    let kept = parameter ? (list.find((k) => k.parameter === parameter) ?? (parameter.label ? free(parameter.label) : undefined) ?? free()) : list[p];
    if (kept && widthOf(kept) !== n)
      throw new GradloomError('STATE', this.method, `it remembers ${widthOf(kept)} elements of parameter ${p}, and the step has ${n}. Call reset() where parameters change.`);
    const added = names.filter((name) => !kept?.names.includes(name));
    if (added.length > 0) {
      recording()?.early();
      const zeros = full([added.length, n], 0);
      if (!kept) {
        kept = { parameter: null, label: parameter?.label ?? '', names: [], rows: zeros };
        list.push(kept);
      }
      kept.rows = outlive(kept.names.length > 0 ? cat([kept.rows, zeros]) : zeros);
      kept.names.push(...added);
    }
    const found = kept as Kept;
    found.parameter = parameter ?? null;
    const { rows } = found;
    recording()?.rely(rows, () => this.list.some((k) => k.rows === rows));
    return found;
  }

  save(): SavedRows[] {
    return this.list.map(({ label, names, rows }) => ({ label, names: [...names], rows: [...rows.data()] }));
  }

  /** What has its address keeps it, for captured steps. */
  load(op: string, saved: unknown): void {
    const before = this.list;
    const { rows: given } = stateOf(op, { rows: saved }, { rows: rowsOf(this.element) }) as { rows: SavedRows[] };
    this.list = given.map(({ label, names, rows }, p): Kept => {
      const values = tensor(Float32Array.from(rows), { shape: [names.length, rows.length / names.length] });
      const same = before[p];
      if (same?.label === label && same.names.join('\n') === names.join('\n') && same.rows.size === rows.length) return { ...same, rows: copy_(same.rows, values) };
      return { parameter: null, label, names: [...names], rows: keep(values) };
    });
  }

  /** Zeros again. */
  reset(): void {
    for (const { rows } of this.list) zero_(rows);
  }
}
