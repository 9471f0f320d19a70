// One case of a module: built, given its state, called, and asked for every parameter's gradient and every buffer afterwards.
import { type nn, Tensor } from 'gradloom';
import { call, type Row } from './bind.ts';
import { compareGradients, compareTensors, Mismatch, TOLERANCES } from './compare.ts';
import { decode, decodeRecord, decodeTensor, type EncodedTensor } from './decode.ts';
import { type CallCase, runCall } from './ops.ts';

export interface ModuleCase extends CallCase {
  ctorArgs: unknown[];
  ctorKwargs: Record<string, unknown>;
  training: boolean;
  state: Record<string, EncodedTensor>;
  paramGrads?: Record<string, EncodedTensor | null>;
  buffersAfter?: Record<string, EncodedTensor>;
}

/** What the forward methods of our modules are called with: first the input, and what else there is goes by position. */
const FORWARD = 'input target third fourth';

export function runModule(row: Row<nn.Module>, given: ModuleCase): number {
  const module = call(
    row,
    given.ctorArgs.map((v) => decode(v, [])),
    decodeRecord(given.ctorKwargs ?? {}, []),
  );
  module.train(given.training);
  module.loadStateDict(Object.fromEntries(Object.entries(given.state ?? {}).map(([name, t]) => [name, decodeTensor(t)])));
  const forward = (...inputs: unknown[]): unknown => {
    const output = (module.forward as (...inputs: unknown[]) => unknown).apply(module, inputs);
    // Several outputs have names in ours, positions in PyTorch's.
    return output instanceof Tensor ? output : Object.values(output as object).filter((y) => y !== null);
  };
  const errors = [runCall([row[2] ?? FORWARD, forward], given)];

  const parameters = new Map(module.namedParameters());
  for (const [name, expected] of Object.entries(given.paramGrads ?? {})) {
    const parameter = parameters.get(name);
    if (!parameter) throw new Mismatch(`there is no parameter ${name}, only ${[...parameters.keys()].join(', ')}`);
    errors.push(compareGradients(`gradient of ${name}`, parameter.grad, expected, parameter.size));
  }
  const state = module.stateDict();
  for (const [name, expected] of Object.entries(given.buffersAfter ?? {})) {
    const buffer = state[name];
    if (!buffer) throw new Mismatch(`there is no buffer ${name}, only ${Object.keys(state).join(', ')}`);
    errors.push(compareTensors(`${name} afterwards`, buffer, expected, TOLERANCES.call));
  }
  return Math.max(...errors);
}
