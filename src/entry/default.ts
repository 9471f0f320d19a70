// Node, browsers, Deno, Bun: the wasm is text inside the bundle.
import { loadInline } from '../runtime/inline.ts';
import { setLoader } from '../runtime/instance.ts';

setLoader(loadInline);
export * from '../index.ts';
