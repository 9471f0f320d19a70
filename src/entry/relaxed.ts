// `import 'gradloom/relaxed'`: puts the build with relaxed SIMD into the program, for init({ simd: 'relaxed' }) in bundles.
import { addSources } from '../runtime/instance.ts';
import { text } from './wasm-relaxed.ts';
import { relaxedFrom } from './extras.ts';

addSources({ relaxed: relaxedFrom(() => ({ text })) });
