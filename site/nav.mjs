// The pages of the site, in order. A page whose file is not there yet is left out.
import { existsSync } from 'node:fs';
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

const there = (page) => existsSync(`${root}/docs/${page}.md`);

export const missing = planned.flatMap(({ pages }) => pages.map(([page]) => page)).filter((page) => !there(page));
export const groups = planned.map(({ text, pages }) => ({ text, pages: pages.filter(([page]) => there(page)) })).filter(({ pages }) => pages.length > 0);
export const pages = groups.flatMap((group) => group.pages);
