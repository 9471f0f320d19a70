// Where a run's bytes stay between visits: IndexedDB in a page or a worker, a file elsewhere.

// #region store
/** The database's store of runs, made at the first visit. */
function database(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open('gradloom', 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore('runs');
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
}

async function changed(change: (runs: IDBObjectStore) => void): Promise<void> {
  const writing = (await database()).transaction('runs', 'readwrite');
  change(writing.objectStore('runs'));
  await new Promise((resolve, reject) => {
    writing.oncomplete = resolve;
    writing.onabort = () => reject(writing.error); // the disk is full, say
  });
}

const inDatabase = {
  set: (name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> => changed((runs) => runs.put(bytes, name)),
  delete: (name: string): Promise<void> => changed((runs) => runs.delete(name)),
  async get(name: string): Promise<Uint8Array | undefined> {
    const reading = (await database()).transaction('runs').objectStore('runs').get(name);
    return new Promise((resolve, reject) => {
      reading.onsuccess = () => resolve(reading.result);
      reading.onerror = () => reject(reading.error);
    });
  },
};
// #endregion

const files = async () => {
  const [fs, { join }, { tmpdir }] = await Promise.all([import('node:fs/promises'), import('node:path'), import('node:os')]);
  return { fs, path: (name: string): string => join(tmpdir(), `gradloom-${name}.safetensors`) };
};
const inFile: typeof inDatabase = {
  async set(name, bytes) {
    const { fs, path } = await files();
    await fs.writeFile(path(name), bytes);
  },
  async delete(name) {
    const { fs, path } = await files();
    await fs.rm(path(name), { force: true });
  },
  async get(name) {
    const { fs, path } = await files();
    return fs.readFile(path(name)).catch(() => undefined);
  },
};

export const store = typeof indexedDB === 'undefined' ? inFile : inDatabase;
