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

const inDatabase = {
  async set(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const writing = (await database()).transaction('runs', 'readwrite');
    writing.objectStore('runs').put(bytes, name);
    await new Promise((resolve, reject) => {
      writing.oncomplete = resolve;
      writing.onabort = () => reject(writing.error); // the disk is full, say
    });
  },
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
  async get(name) {
    const { fs, path } = await files();
    return fs.readFile(path(name)).catch(() => undefined);
  },
};

export const store = typeof indexedDB === 'undefined' ? inFile : inDatabase;
