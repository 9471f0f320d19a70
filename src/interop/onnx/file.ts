// An ONNX file's bytes as a graph that is whole: every size, name and reference checked, so that what follows need not.
import { fromBinary } from '@bufbuild/protobuf';
import { decoderOf, TYPES } from '../../checkpoint/elements.ts';
import { valueText } from '../../tensor/check.ts';
import type { DType } from '../../tensor/dtype.ts';
import { GradloomError, shapeText } from '../../tensor/errors.ts';
import { MOST_ELEMENTS, sizeOf } from '../../tensor/shape.ts';
import { HostArray } from './host.ts';
import { NodeView } from './node.ts';
import { type GraphProto, type ModelProto, ModelProtoSchema, type TensorProto, TensorProto_DataLocation, TensorProto_DataType, type ValueInfoProto } from './onnx_pb.js';
import type { OnnxValue } from './types.ts';

/** The opsets that are read: from the first with today's Slice, Pad and Resize to the newest that was compared. */
export const OPSETS = [11, 28] as const;

/** A file's graph. */
export interface Graph {
  readonly opset: number;
  readonly nodes: readonly NodeView[];
  readonly initializers: ReadonlyMap<string, HostArray>;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly metadata: Readonly<Record<string, string>>;
}

const T = TensorProto_DataType;
/** Types of elements by ONNX's number: the name in safetensors, by which they are decoded, and what they are here. */
const ELEMENTS: Readonly<Record<number, readonly [name: string, dtype: DType]>> = {
  [T.FLOAT]: ['F32', 'float32'],
  [T.FLOAT16]: ['F16', 'float32'],
  [T.BFLOAT16]: ['BF16', 'float32'],
  [T.DOUBLE]: ['F64', 'float32'],
  [T.INT64]: ['I64', 'int32'],
  [T.INT32]: ['I32', 'int32'],
  [T.INT16]: ['I16', 'int32'],
  [T.INT8]: ['I8', 'int32'],
  [T.UINT64]: ['U64', 'int32'],
  [T.UINT32]: ['U32', 'int32'],
  [T.UINT16]: ['U16', 'int32'],
  [T.UINT8]: ['U8', 'int32'],
  [T.BOOL]: ['BOOL', 'bool'],
};

/** @internal An error about the file. */
export const malformed = (what: string, remedy = 'The file is damaged or no ONNX file.', cause?: unknown): GradloomError =>
  new GradloomError('FORMAT', 'fromOnnx', `${what}. ${remedy}`, { cause });

/** What a type of elements becomes here. */
export function dtypeOf(type: number, what: string): DType {
  const [, dtype] = ELEMENTS[type] ?? [];
  if (dtype) return dtype;
  throw new GradloomError('DTYPE', 'fromOnnx', `${what} has elements of type ${T[type] ?? type}, which are not offered. Export it as float32, int64 or bool.`);
}

/** An initializer or constant. Sizes are compared before anything is allocated. */
export function arrayOf(proto: TensorProto, what: string): HostArray {
  const shape = proto.dims.map((n) => Number(n));
  const size = sizeOf(shape);
  if (shape.some((n) => n < 0) || !(size <= MOST_ELEMENTS)) throw malformed(`${what} has the shape ${shapeText(shape)}`);
  if (proto.dataLocation === TensorProto_DataLocation.EXTERNAL)
    throw new GradloomError(
      'FORMAT',
      'fromOnnx',
      `${what} lies in another file. Save the model with its weights inside: external_data=False, or onnx.save_model(…, save_as_external_data=False).`,
    );
  const dtype = dtypeOf(proto.dataType, what);
  const [name] = ELEMENTS[proto.dataType] as readonly [string, DType];
  const width = (TYPES[name] as { bytes: number }).bytes;
  const raw = proto.rawData.length > 0 ? proto.rawData : bytesOf(proto, width);
  if (raw.length !== size * width) throw malformed(`${what} ${shapeText(shape)} of ${name} needs ${size * width} bytes, it has ${raw.length}`);
  // A copy, so that every view of it is aligned.
  const bytes = Uint8Array.from(raw);
  // Ends of slices are often the largest int64.
  if (name === 'I64') return new HostArray(shape, Float64Array.from(new BigInt64Array(bytes.buffer) as never, Number), dtype);
  if (name === 'U64') return new HostArray(shape, Float64Array.from(new BigUint64Array(bytes.buffer) as never, Number), dtype);
  return new HostArray(shape, decoderOf(name, what)(bytes).values, dtype);
}

/** The bytes of numbers that stand in a field of their type, several of which have words wider than their elements. */
function bytesOf({ dataType, floatData, int32Data, int64Data, doubleData, uint64Data }: TensorProto, width: number): Uint8Array {
  if (dataType === T.FLOAT) return new Uint8Array(Float32Array.from(floatData).buffer);
  if (dataType === T.DOUBLE) return new Uint8Array(Float64Array.from(doubleData).buffer);
  if (dataType === T.INT64) return new Uint8Array(BigInt64Array.from(int64Data).buffer);
  if (dataType === T.UINT64) return new Uint8Array(BigUint64Array.from(uint64Data).buffer);
  if (dataType === T.UINT32) return new Uint8Array(Uint32Array.from(uint64Data, Number).buffer);
  return new Uint8Array((width === 4 ? Int32Array : width === 2 ? Uint16Array : Uint8Array).from(int32Data).buffer);
}

function described({ name, type }: ValueInfoProto): OnnxValue {
  if (type?.value.case !== 'tensorType')
    throw new GradloomError('DTYPE', 'fromOnnx', `'${name}' is no tensor but ${type?.value.case ?? 'without a type'}. Only tensors are offered.`);
  const { elemType, shape } = type.value.value;
  const sizes = shape?.dim.map(({ value }) => (value.case === 'dimValue' ? Number(value.value) : value.case === 'dimParam' ? value.value : null));
  return { name, dtype: dtypeOf(elemType, `'${name}'`), shape: sizes ?? null };
}

function parsed(bytes: Uint8Array): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw malformed(`${bytes.length} bytes are no ONNX model: ${(cause as Error).message}`, 'The file is cut short, damaged, or of another format.', cause);
  }
}

/** Throws unless every name is given once, and before it is used. */
function assertConnected(graph: GraphProto, nodes: readonly NodeView[], known: Set<string>): void {
  for (const node of nodes) {
    for (const name of node.inputs) if (name && !known.has(name)) throw malformed(`${node.label} takes '${name}', which nothing before it gives`);
    for (const name of node.outputs) {
      if (name && known.has(name)) throw malformed(`'${name}' is given twice, the second time by ${node.label}`);
      if (name) known.add(name);
    }
  }
  for (const { name } of graph.output) if (!known.has(name)) throw malformed(`nothing gives the output '${name}'`);
}

/** The graph of a file's bytes. */
export function graphOf(given: Uint8Array | ArrayBuffer): Graph {
  const bytes = given instanceof ArrayBuffer ? new Uint8Array(given) : given;
  if (!(bytes instanceof Uint8Array)) throw new GradloomError('DTYPE', 'fromOnnx', `takes the file's bytes, got ${valueText(given)}. Read it as an ArrayBuffer or Uint8Array.`);
  const model = parsed(bytes);
  const { graph } = model;
  if (!graph || graph.output.length === 0) throw malformed('the file has no graph with an output');
  const opset = Number(model.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 0n);
  if (opset < OPSETS[0] || opset > OPSETS[1])
    throw new GradloomError(
      'FORMAT',
      'fromOnnx',
      `the file is of opset ${opset || 'none'}; ${OPSETS.join(' to ')} are read. Export it with opset_version=18, or convert it with onnx.version_converter.`,
    );
  if (graph.sparseInitializer.length > 0) throw new GradloomError('FORMAT', 'fromOnnx', 'sparse initializers are not offered. Save the weights as dense tensors.');
  const initializers = new Map<string, HostArray>();
  for (const proto of graph.initializer) {
    if (!proto.name || initializers.has(proto.name)) throw malformed(`an initializer has the name '${proto.name}', which is empty or taken`);
    initializers.set(proto.name, arrayOf(proto, `the initializer '${proto.name}'`));
  }
  // Files of the first versions name initializers among the inputs too.
  const inputs = graph.input.filter(({ name }) => !initializers.has(name)).map(described);
  const own = new Set(model.functions.map(({ domain, name }) => `${domain}:${name}`));
  const nodes = graph.node.map((proto, i) => new NodeView(proto, i, opset, own.has(`${proto.domain}:${proto.opType}`)));
  const names = [...inputs.map(({ name }) => name), ...initializers.keys()];
  if (new Set(names).size !== names.length) throw malformed('two inputs have one name');
  assertConnected(graph, nodes, new Set(names));
  const metadata = Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value]));
  return { opset, nodes, initializers, inputs, outputs: graph.output.map(outputOf), metadata };
}

/** Outputs may come without type. */
const outputOf = (info: ValueInfoProto): OnnxValue => (info.type ? described(info) : { name: info.name, dtype: 'float32', shape: null });
