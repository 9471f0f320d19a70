// The public init(): options are checked here, above the level that acts on them.
import { type Builds, type InitOptions, start } from '../runtime/instance.ts';
import { type Kind, type Kinds, oneOf, optionsOf, WHOLE } from '../tensor/check.ts';

const WASM: Kind = { what: 'a Module, bytes, a Response, a URL, or a promise of one', test: (v) => typeof v === 'string' || (typeof v === 'object' && v !== null) };
const OPTIONS: Kinds<InitOptions> = { wasm: WASM, simd: oneOf('fixed', 'relaxed'), threads: WHOLE };

/**
 * Chooses the wasm before the first tensor is made. Optional: without it, the build inside the bundle is compiled at first use.
 * Nothing is loaded that is not asked for. Await it: a tensor that is made meanwhile lives in the ordinary build, and init rejects.
 *
 * @throws VALUE for options that do not go together; FORMAT where the wasm is not gradloom's; RUNTIME where the runtime lacks or refuses
 * something, where a tensor was made before, and at a second call
 */
export async function init(options?: InitOptions): Promise<void> {
  await initWith({}, options, arguments.length);
}

/** @internal `init` of an entry that can find further builds. */
export async function initWith(builds: Partial<Builds>, options: InitOptions | undefined, count: number): Promise<void> {
  await start(optionsOf('init', options, OPTIONS, count), builds);
}
