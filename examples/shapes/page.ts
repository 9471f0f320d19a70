// The same program in a page: checkpoints in OPFS or, with ?store=indexeddb, in IndexedDB. Close the page at any time and open it again: it goes on.
import { checkpoint } from 'gradloom';
import { type Show, type Store, storeIn, train } from './program.ts';

const said = new URLSearchParams(location.search);
const shown = (id: string): HTMLElement => document.getElementById(id) as HTMLElement;

/** A file of the page's own. */
async function inFiles(): Promise<Store> {
  const folder = await navigator.storage.getDirectory();
  return storeIn(await folder.getFileHandle('shapes.safetensors', { create: true }));
}

/** A request's result. */
const done = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** One entry of a database: a transaction is done whole or not at all. */
async function inDatabase(): Promise<Store> {
  const opening = indexedDB.open('shapes', 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore('checkpoints');
  const database = await done(opening);
  const entries = (mode: IDBTransactionMode): IDBObjectStore => database.transaction('checkpoints', mode, { durability: 'strict' }).objectStore('checkpoints');
  return {
    async read(run) {
      const bytes: Uint8Array<ArrayBuffer> | undefined = await done(entries('readonly').get('run'));
      return bytes ? checkpoint.read<{ epoch: number }>(bytes, run) : null;
    },
    async write(run) {
      const store = entries('readwrite');
      store.put(checkpoint.toBytes(run), 'run');
      await new Promise<void>((resolve, reject) => {
        store.transaction.oncomplete = () => resolve();
        store.transaction.onabort = () => reject(store.transaction.error);
      });
    },
  };
}

const show: Show = {
  line(text) {
    shown('log').textContent += `${text}\n`;
  },
  batch({ epoch, done, total, shape, place }) {
    const bar = shown('bar') as HTMLProgressElement;
    [bar.value, bar.max] = [done, total];
    shown('status').textContent = `epoch ${epoch}, batch ${done} of ${total}: shape ${shape.toFixed(3)}, place ${place.toFixed(3)}`;
  },
};

const store = await (said.get('store') === 'indexeddb' ? inDatabase() : inFiles());
const options = said.has('epochs') ? { epochs: Number(said.get('epochs')), rows: Number(said.get('rows')) } : {};
const { hash, profile } = await train(store, show, options);
show.line(`Its weights have SHA-256 ${hash}, on every machine.\n\n${profile}`);
const link = document.createElement('a');
link.href = URL.createObjectURL(new Blob([JSON.stringify(profile.trace)], { type: 'application/json' }));
link.download = 'shapes.trace.json';
link.textContent = 'The profile as a Chrome trace';
document.body.append(link);
dispatchEvent(new CustomEvent('trained', { detail: { hash, events: profile.trace.traceEvents.length } }));
