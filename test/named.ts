// Loaded before a test file whose tests are chosen by name (`test/run.ts --name`): uvu then stands for chosen.ts.
import { register } from 'node:module';

const chosen = JSON.stringify(new URL('chosen.ts', import.meta.url).href);
const hooks = `export const resolve = (name, context, next) => next(name === 'uvu' && !context.parentURL.startsWith(${chosen}) ? ${chosen} : name, context);`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
