// `gradloom/lean`: without wasm inside. The program passes it: await init({ wasm }).
import { runtimeError } from '../runtime/compile.ts';
import { setSource } from '../runtime/instance.ts';

setSource(() => {
  throw runtimeError(
    'gradloom/lean',
    "it carries no wasm. First await init({ wasm }) with gradloom/kernels.wasm as a Module, bytes, a Response or a URL; or import from 'gradloom'.",
  );
});
export * from '../index.ts';
