// Every runtime in one federation: digits with two losses, dealt out unevenly, for 10 rounds; against training on all of it.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { manualSeed, scope } from 'gradloom';
import { type Arrays, arraysOf, loadArrays } from 'gradloom/flower';
import { sleep, until } from '../../helpers.ts';
import { accuracy, Digits, rateOf, type Shard, trainOneEpoch } from '../../../examples/flower/digits.ts';
import { fromNpy, toNpy } from '../../../src/flower/npy.ts';
import { found } from '../../runtimes/browsers.ts';
import { command, Missing, root } from '../../runtimes/context.ts';
import { type Client, joined, pageClient, processClient, publish, site, workerdClient } from '../programs.ts';
import { must, near, type Row } from '../row.ts';
import { deal, testImages } from '../shards.ts';
import { flower, freePort, Running, scratch, SuperLink } from '../superlink.ts';

const ROUNDS = 10;
const LR = 0.2;
const EACH = 1000;

const python = (program: string, ...args: string[]): string => command(join(flower(), 'bin', 'python'), ['-c', program, ...args]);

/** Arrays as a .npz file. */
export function saveNpz(file: string, arrays: Arrays): void {
  const folder = `${file}.d`;
  mkdirSync(folder, { recursive: true });
  for (const [name, array] of Object.entries(arrays)) writeFileSync(join(folder, `${name}.npy`), toNpy(array));
  python('import sys, glob, os, numpy as np; d = sys.argv[1]; np.savez(sys.argv[2], **{os.path.basename(f)[:-4]: np.load(f) for f in glob.glob(d + "/*.npy")})', folder, file);
}

/** The arrays of a .npz file. */
export function loadNpz(file: string): Arrays {
  const folder = `${file}.out`;
  mkdirSync(folder, { recursive: true });
  const names = JSON.parse(
    python(
      'import sys, json, numpy as np; f = np.load(sys.argv[1]); [np.save(f"{sys.argv[2]}/{i}.npy", f[n]) for i, n in enumerate(f.files)]; print(json.dumps(f.files))',
      file,
      folder,
    ),
  ) as string[];
  return Object.fromEntries(names.map((name, i) => [name, fromNpy(new Uint8Array(readFileSync(join(folder, `${i}.npy`))))]));
}

const bytesOf = ({ images, digits }: Shard): Uint8Array => Uint8Array.from([...images].map((v) => Math.round(v * 255)).concat([...digits]));

/** What one round of FedAvg gives, in float64. */
async function weightedMean(start: Arrays, shards: readonly Shard[]): Promise<Record<string, Float64Array>> {
  const model = new Digits();
  const total = shards.reduce((sum, { digits }) => sum + digits.length, 0);
  const mean = Object.fromEntries(Object.entries(start).map(([name, { data }]) => [name, new Float64Array(data.length)]));
  for (const shard of shards) {
    loadArrays(model, start);
    await trainOneEpoch(model, shard, LR);
    for (const [name, { data }] of Object.entries(arraysOf(model))) mean[name] = (mean[name] as Float64Array).map((v, i) => v + (Number(data[i]) * shard.digits.length) / total);
  }
  return mean;
}

/** What takes part, with what is missing left out. */
async function participants(link: SuperLink, shards: readonly Shard[], replies: number): Promise<{ clients: Client[]; used: Shard[]; notes: string[] }> {
  const home = await site(link.url);
  const url = link.url;
  const at = (i: number): string => home + publish(`shard-${i}`, bytesOf(shards[i] as Shard));
  const store = (i: number): string => join(scratch, `fleet-${link.options.port}-${i}`);
  const makers: [string, (i: number) => Promise<Client>][] = [
    ['Node', (i) => processClient('Node', { url, shard: at(i), store: store(i) })],
    ['Node', (i) => processClient('Node', { url, shard: at(i), store: store(i) })],
    ['Node', (i) => processClient('Node', { url, shard: at(i), store: store(i) })],
    ['Chromium', (i) => pageClient(found([process.env['CHROMIUM'], 'chromium', 'chromium-browser', 'google-chrome'], 'chromium'), home, { shard: at(i), store: 'idb' })],
    ['workerd', (i) => workerdClient({ url, shard: at(i), replies })],
    ['Deno', (i) => processClient('Deno', { url, shard: at(i), store: store(i) })],
    ['Bun', (i) => processClient('Bun', { url, shard: at(i), store: store(i) })],
    ['stock SuperNode (Python)', (i) => stock(link, i, shards[i] as Shard)],
  ];
  const result = { clients: [] as Client[], used: [] as Shard[], notes: [] as string[] };
  for (const [i, [name, make]] of makers.entries()) {
    try {
      result.clients.push(await make(i));
      result.used.push(shards[i] as Shard);
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
      result.notes.push(`${name} is missing: ${error.message}`);
    }
  }
  return result;
}

/** Flower's own SuperNode with a client in NumPy. */
async function stock(link: SuperLink, i: number, { images, digits }: Shard): Promise<Client> {
  const file = join(scratch, `shard-${i}.npz`);
  saveNpz(file, { x: { dtype: 'float32', shape: [digits.length, 784], data: images }, y: { dtype: 'int32', shape: [digits.length], data: digits } });
  const running = new Running(
    join(flower(), 'bin', 'flower-supernode'),
    ['--insecure', '--superlink', `127.0.0.1:${link.options.port}`, '--port', `${await freePort()}`, '--node-config', `data="${file}"`],
    { env: link.env },
  );
  return { name: 'SuperNode', lines: () => [], end: (signal = 'SIGTERM') => running.end(signal), gone: () => running.ended, output: () => running.output };
}

/** A run of the example's server from a model; the model that came out. */
async function lead(link: SuperLink, start: Arrays, rounds: number, nodes: number, seconds: number): Promise<Arrays> {
  const [model, out] = [join(scratch, `start-${rounds}.npz`), join(scratch, `end-${link.options.port}-${rounds}.npz`)];
  saveNpz(model, start);
  await link.run(join(root, 'examples', 'flower', 'server'), { 'num-server-rounds': rounds, 'min-nodes': nodes, lr: LR, poll: 0.1, model, out });
  await until(
    () => `the federation ends\n${link.process.output.slice(-4000)}`,
    seconds,
    () => existsSync(out),
  );
  await sleep(200);
  return loadNpz(out);
}

async function federation(): Promise<string> {
  const { shards, all } = deal(8, EACH, 7);
  manualSeed(1);
  const model = new Digits();
  const start = arraysOf(model);
  const link = await SuperLink.start();
  const { clients, used, notes } = await participants(link, shards, ROUNDS + 1);
  try {
    // workerd tells at its end, the stock node in its log.
    for (const client of clients) if (!/workerd|SuperNode/.test(client.name)) await joined(client);
    const once = await lead(link, start, 1, clients.length, 400);
    const wanted = await weightedMean(start, used);
    must(Object.keys(once).sort().join() === Object.keys(wanted).sort().join(), "the model's arrays", Object.keys(once));
    const apart = Object.entries(once).map(([name, { data }]) => (wanted[name] as Float64Array).reduce((most, v, i) => Math.max(most, Math.abs(v - Number(data[i]))), 0));
    const worst = Math.max(...apart);
    // Weights below 1, added up as float32 by the server and as float64 here.
    near(worst, 0, 1e-6, 'one round of FedAvg against the weighted mean');
    const begun = performance.now();
    const end = await lead(link, start, ROUNDS, clients.length, 900);
    const seconds = (performance.now() - begun) / 1000 / ROUNDS;
    const test = testImages(10_000);
    loadArrays(model, end);
    const federated = scope(() => accuracy(model, test));
    loadArrays(model, start);
    for (let epoch = 1; epoch <= ROUNDS; epoch++) await trainOneEpoch(model, all, rateOf(LR, epoch));
    const together = scope(() => accuracy(model, test));
    // What ten rounds of one epoch on uneven parts may lose; of 10 000 images an accuracy is known to 0.3 points.
    must(federated >= together - 0.03, 'accuracy within 3 points of training on all data', { federated, together });
    const note = `${clients.map(({ name }) => name).join(', ')}: worst ${worst.toExponential(1)} from the mean; accuracy ${federated} against ${together}; ${seconds.toFixed(1)} s a round`;
    if (notes.length > 0) throw new Missing(`held for the others (${note}), but ${notes.join('; ')}`);
    return note;
  } catch (error) {
    if (error instanceof Missing) throw error;
    throw new Error(`${(error as Error).stack}\n${clients.map((c) => `--- ${c.name}: ${JSON.stringify(c.lines().slice(-3))} ${c.output().slice(-600)}`).join('\n')}`);
  } finally {
    await link.stop();
    await Promise.all(clients.map((client) => client.end()));
  }
}

export const fleet: Row[] = [{ name: 'digits in every runtime', run: federation }];
