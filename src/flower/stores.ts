// Where a node keeps its key, its number and its journal, so that it comes back as the same node and answers for what it had in hand.
import { files, replaceFile } from '../checkpoint/file.ts';
import { checkArgument, TEXT } from '../tensor/check.ts';
import { GradloomError, valueText } from '../tensor/errors.ts';

/**
 * A place for a node's few entries. Any key-value store will do: `get` gives undefined where there is none, and what `set` resolved for must
 * survive the end of the program. A store belongs to one running node.
 */
export interface Store {
  /** An entry. */
  get(name: string): Promise<unknown>;
  /** Puts a `Uint8Array` there; a `CryptoKey` too where `keepsKeys` is set. */
  set(name: string, value: unknown): Promise<void>;
  /** Removes an entry, if there is one. */
  delete(name: string): Promise<void>;
  /** Whether it keeps a `CryptoKey` as it is, so that the private key never leaves WebCrypto. */
  readonly keepsKeys?: boolean;
  /** Takes the store for one node; resolves to what gives it back. @throws where another has it */
  lock?(): Promise<() => void>;
}

/** Throws unless it is a store. */
export function assertStore(op: string, store: unknown): asserts store is Store {
  const methods = ['get', 'set', 'delete'] as const;
  if (methods.every((name) => typeof (store as Store | null)?.[name] === 'function')) return;
  throw new GradloomError('VALUE', op, `store must have get, set and delete, got ${valueText(store)}. Use indexedDBStore(), fileStore(folder) or memoryStore().`);
}

/** A store that ends with the program: a node that no one has to know again. */
export function memoryStore(): Store {
  const entries = new Map<string, unknown>();
  return {
    keepsKeys: true,
    get: async (name) => entries.get(name),
    set: async (name, value) => void entries.set(name, value),
    delete: async (name) => void entries.delete(name),
  };
}

/**
 * A folder, in Node, Deno and Bun: a file for each entry, replaced as a whole, readable by its owner alone. The private key lies in it.
 *
 * @example
 * await runSuperNode(app, { url: 'http://127.0.0.1:8000', store: fileStore('node-1') });
 */
export function fileStore(folder: string): Store {
  checkArgument('fileStore', 'folder', folder, TEXT);
  const fs = files('fileStore', 'Use indexedDBStore() or a store of your own.').promises;
  const path = (name: string): string => `${folder}/${name}`;
  return {
    async get(name) {
      try {
        return new Uint8Array(await fs.readFile(path(name)));
      } catch (error) {
        if ((error as { code?: string }).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    async set(name, value) {
      await fs.mkdir(folder, { recursive: true, mode: 0o700 });
      await replaceFile('fileStore', path(name), value as Uint8Array, 0o600);
    },
    delete: (name) => fs.rm(path(name), { force: true }),
  };
}

const asked = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/**
 * A database of a page or its Worker. The private key is one that WebCrypto does not give out. Where the browser has locks, a second tab
 * with the same name is refused.
 *
 * @example
 * await runSuperNode(app, { url: location.origin, store: indexedDBStore() });
 */
export function indexedDBStore(name = 'gradloom-flower'): Store {
  checkArgument('indexedDBStore', 'name', name, TEXT);
  if (typeof indexedDB === 'undefined') throw new GradloomError('RUNTIME', 'indexedDBStore', 'this runtime has no IndexedDB. Use fileStore(folder), or memoryStore().');
  let opened: Promise<IDBDatabase> | undefined;
  const open = (): Promise<IDBDatabase> => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => void request.result.createObjectStore('entries');
    return asked(request);
  };
  const entries = async (mode: IDBTransactionMode): Promise<IDBObjectStore> => {
    opened ??= open();
    return (await opened).transaction('entries', mode, { durability: 'strict' }).objectStore('entries');
  };
  /** Done when the transaction is. */
  const change = async (make: (store: IDBObjectStore) => void): Promise<void> => {
    const store = await entries('readwrite');
    const { transaction } = store;
    make(store);
    await new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
  };
  return {
    keepsKeys: true,
    get: async (key) => asked((await entries('readonly')).get(key)),
    set: (key, value) => change((store) => store.put(value, key)),
    delete: (key) => change((store) => store.delete(key)),
    lock: () =>
      new Promise((resolve, reject) => {
        if (!globalThis.navigator?.locks) return resolve(() => {});
        // A page that was reloaded holds it for a moment.
        const held = navigator.locks.request(`gradloom-flower ${name}`, { signal: AbortSignal.timeout(5000) }, () => new Promise<void>((release) => resolve(release)));
        held.catch(() => reject(new GradloomError('STATE', 'runSuperNode', `another tab or Worker runs the node '${name}'. Close it, or give this one another name.`)));
      }),
  };
}
