// A node of a file's graph: its attributes by type, each of which must be asked for, so that none is passed over.
import { GradloomError } from '../../tensor/errors.ts';
import { type AttributeProto, AttributeProto_AttributeType, type NodeProto, type TensorProto } from './onnx_pb.js';

const A = AttributeProto_AttributeType;
const text = new TextDecoder();

/** A node, for the rule of its operator. */
export class NodeView {
  readonly op: string;
  /** The name in messages: operator and node. */
  readonly label: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** The version of the operators. */
  readonly opset: number;
  /** Whether the file defines the operator itself. */
  readonly isFunction: boolean;
  readonly #attributes: ReadonlyMap<string, AttributeProto>;
  readonly #asked = new Set<string>();

  constructor(proto: NodeProto, place: number, opset: number, isFunction: boolean) {
    this.op = proto.domain && proto.domain !== 'ai.onnx' ? `${proto.domain}.${proto.opType}` : proto.opType;
    this.label = `${this.op} '${proto.name || proto.output[0] || place}'`;
    this.inputs = proto.input;
    this.outputs = proto.output;
    this.opset = opset;
    this.isFunction = isFunction;
    this.#attributes = new Map(proto.attribute.map((a) => [a.name, a]));
  }

  /** An error about it. */
  error(what: string): GradloomError {
    return new GradloomError('VALUE', 'fromOnnx', `${this.label}: ${what}`);
  }

  #get(name: string, type: AttributeProto_AttributeType): AttributeProto | undefined {
    this.#asked.add(name);
    const a = this.#attributes.get(name);
    // Type 0: files of before the field.
    if (a && a.type !== type && a.type !== A.UNDEFINED) throw this.error(`the attribute '${name}' is of type ${A[a.type]}, not ${A[type]}.`);
    return a;
  }

  #or<V>(name: string, found: V | undefined, usual: V | undefined): V {
    const value = found ?? usual;
    if (value === undefined) throw this.error(`the attribute '${name}' is missing.`);
    return value;
  }

  /** Whether it has an attribute. */
  has(name: string): boolean {
    return this.#attributes.has(name);
  }

  /** A whole number; `usual` where it is not there. */
  int(name: string, usual?: number): number {
    const a = this.#get(name, A.INT);
    return this.#or(name, a && Number(a.i), usual);
  }

  /** Whole numbers. */
  ints(name: string, usual?: readonly number[]): readonly number[] {
    return this.#or(name, this.#get(name, A.INTS)?.ints.map(Number), usual);
  }

  /** A number. */
  float(name: string, usual?: number): number {
    return this.#or(name, this.#get(name, A.FLOAT)?.f, usual);
  }

  /** Numbers. */
  floats(name: string, usual?: readonly number[]): readonly number[] {
    return this.#or(name, this.#get(name, A.FLOATS)?.floats, usual);
  }

  /** Text, one of the words that are offered. */
  word<W extends string>(name: string, usual: W, ...offered: readonly W[]): W {
    const a = this.#get(name, A.STRING);
    const value = (a ? text.decode(a.s) : usual) as W;
    if (value !== usual && !offered.includes(value)) throw this.error(`${name} '${value}' is not offered; ${[usual, ...offered].join(', ')}.`);
    return value;
  }

  /** Any text. */
  text(name: string): string {
    const a = this.#get(name, A.STRING);
    return this.#or(name, a && text.decode(a.s), undefined);
  }

  /** Texts. */
  texts(name: string): readonly string[] {
    return (this.#get(name, A.STRINGS)?.strings ?? []).map((s) => text.decode(s));
  }

  /** A tensor. */
  tensor(name: string): TensorProto | undefined {
    return this.#get(name, A.TENSOR)?.t;
  }

  /** Attributes that may be there and change nothing here. */
  ignore(...names: readonly string[]): void {
    for (const name of names) this.#asked.add(name);
  }

  /** Throws where an attribute has a value that is not offered. */
  only(name: string, value: number, usual = value): void {
    const given = this.int(name, usual);
    if (given !== value) throw this.error(`${name} ${given} is not offered, only ${value}.`);
  }

  /** Attributes that no rule has asked for. */
  unknown(): string[] {
    return [...this.#attributes.keys()].filter((name) => !this.#asked.has(name));
  }
}
