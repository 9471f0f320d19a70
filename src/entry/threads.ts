// `import 'gradloom/threads'`: puts the build for shared memory into the program, for init({ threads }) in bundles.
import { addBuilds } from '../runtime/instance.ts';
import { spawn, text } from './wasm-threads.ts';
import { threadsFrom } from './extras.ts';

addBuilds({ threads: threadsFrom(() => ({ text, spawn })) });
