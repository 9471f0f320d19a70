// What a row of the operators' table is, and how rows are written.
import type { Tensor } from '../../../tensor/tensor.ts';
import { asTensor, type HostArray, mapped, numbersOf, type Value } from '../host.ts';
import type { NodeView } from '../node.ts';

/** Computes a node's outputs. */
export type Run = (...inputs: (Value | undefined)[]) => Value | readonly Value[];

/** How an operator is read. */
export interface Rule {
  /** How many inputs it takes. */
  readonly inputs: readonly [least: number, most: number];
  /** How many outputs it gives at most, default 1. */
  readonly outputs?: number;
  /** Inputs that are shapes, axes, counts: numbers, never parameters. */
  readonly numbers?: readonly number[];
  /** Inputs that are running statistics: buffers. */
  readonly state?: readonly number[];
  /** Inputs that are parameters even where they have one element. */
  readonly weights?: readonly number[];
  /** Reads the attributes, once, when the file is loaded; throws where one is not offered. `training`: the module's mode. */
  readonly make: (node: NodeView, training: () => boolean) => Run;
  /** The same on the host, where all inputs are known there. */
  readonly host?: (node: NodeView) => (...inputs: (HostArray | undefined)[]) => HostArray | readonly HostArray[];
  /** What is not offered, for the table in the docs. */
  readonly note?: string;
}

/** Rows by operator. */
export type Rules = Readonly<Record<string, Rule>>;

type MaybeTensors = (Tensor | undefined)[];

/** A run on tensors. */
export const onTensors =
  (f: (...inputs: Tensor[]) => Tensor | readonly Tensor[]): Run =>
  (...inputs) =>
    f(...(inputs.map((x) => x && asTensor(x)) as MaybeTensors as Tensor[]));

/** Numbers of an input, or undefined where it was left out or is empty. */
export const given = (value: Value | undefined): number[] | undefined => {
  const numbers = value && numbersOf(value);
  return numbers && numbers.length > 0 ? numbers : undefined;
};

/** The only number of an input. */
export const numberOf = (value: Value | undefined, usual: number): number => given(value)?.[0] ?? usual;

/** A row for an operator of one input that has attributes. */
export const unary = (make: (node: NodeView) => (x: Tensor) => Tensor): Rule => ({ inputs: [1, 1], make: (node) => onTensors(make(node)) });

/** A row for an operator of one input, which may be known on the host. */
export const plain = (f: (x: Tensor) => Tensor, host?: (x: number) => number): Rule => ({
  ...unary(() => (x) => f(x)),
  ...(host && { host: () => (x) => mapped(host, [x as HostArray]) }),
});
