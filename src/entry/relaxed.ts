// `import 'gradloom/relaxed'`: puts the build with relaxed SIMD into the program, for init({ simd: 'relaxed' }) in bundles.
import { addBuilds } from '../runtime/instance.ts';
import { text } from './wasm-relaxed.ts';
import { relaxedFrom } from './extras.ts';

addBuilds({ relaxed: relaxedFrom(() => ({ text })) });
