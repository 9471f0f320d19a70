// `import 'gradloom/threads'`: puts the build for shared memory into the program, for init({ threads }) in bundles.
import { addSources } from '../runtime/instance.ts';
import { spawn, text } from './wasm-threads.ts';
import { threadsFrom } from './extras.ts';

addSources({ threads: threadsFrom(() => ({ text, spawn })) });
