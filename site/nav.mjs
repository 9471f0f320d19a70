// The pages of the site, in order. A page whose file is not there yet is left out; one that is not named here stands under "More".
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** @type {{ text: string, pages: [path: string, title: string][] }[]} */
const planned = [
  {
    text: 'Start',
    pages: [
      ['start-node', 'Node'],
      ['start-page', 'A page with a Worker'],
      ['start-workers', 'Cloudflare Workers'],
      ['start-deno-bun', 'Deno and Bun'],
      ['first-model', 'A first model'],
    ],
  },
  {
    text: 'Learn',
    pages: [
      ['tensors', 'Tensors and memory'],
      ['capture', 'Captured steps'],
      ['multi-loss', 'Several losses'],
      ['training', 'Around the step'],
    ],
  },
  {
    text: 'Coming from',
    pages: [
      ['pytorch', 'PyTorch'],
      ['names', 'PyTorch: all names'],
      ['tensorflow-js', 'TensorFlow.js'],
    ],
  },
  {
    text: 'Recipes',
    pages: [
      ['recipes/generative', 'Generative'],
      ['recipes/science', 'Science'],
      ['recipes/vision-and-sequences', 'Vision and sequences'],
      ['recipes/on-device', 'On the device'],
    ],
  },
  {
    text: 'Beyond one machine',
    pages: [
      ['pytorch-interop', 'To PyTorch and back'],
      ['onnx', 'ONNX'],
      ['mpi', 'MPI'],
      ['flower', 'Flower'],
    ],
  },
  {
    text: 'Look up',
    pages: [
      ['sharp-bits', 'Sharp bits'],
      ['errors', 'Errors'],
      ['speed', 'How fast'],
      ['testing', 'How it is tested'],
    ],
  },
];

const docs = readdirSync(`${root}/docs`, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.md') && !file.startsWith('api'))
  .map((file) => file.slice(0, -3).replaceAll('\\', '/'))
  .sort();
const named = planned.flatMap(({ pages }) => pages.map(([page]) => page));
const title = (page) => /^# (.*)$/m.exec(readFileSync(`${root}/docs/${page}.md`, 'utf8'))?.[1] ?? page;

export const missing = named.filter((page) => !docs.includes(page));
/** Pages of docs/ that stand nowhere above. */
export const further = docs.filter((page) => !named.includes(page));
export const groups = [...planned, { text: 'More', pages: further.map((page) => [page, title(page)]) }]
  .map(({ text, pages }) => ({ text, pages: pages.filter(([page]) => docs.includes(page)) }))
  .filter(({ pages }) => pages.length > 0);
export const pages = groups.flatMap((group) => group.pages);
