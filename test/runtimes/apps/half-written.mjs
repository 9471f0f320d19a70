// Writes a checkpoint to OPFS, begins to write another over it, and (in a browser that was killed since) reads and writes again.
import { checkpoint } from 'gradloom';

const said = new URLSearchParams(location.search);
const report = (body) => fetch(said.get('report'), { method: 'POST', body: JSON.stringify(body) });
const handle = async () => (await navigator.storage.getDirectory()).getFileHandle('run', { create: true });
const steps = {
  async write() {
    if ((await checkpoint.read(await handle(), {}, { optional: true })) !== null) throw new Error('a new file gives a run');
    await checkpoint.write(await handle(), { step: 1, filling: 'x'.repeat(100_000) });
    return 'written';
  },
  async 'begin another write'() {
    globalThis.half = await (await handle()).createWritable();
    const bytes = checkpoint.toBytes({ step: 2, filling: 'y'.repeat(100_000) });
    await globalThis.half.write(bytes.subarray(0, bytes.length >> 1));
    return `${bytes.length >> 1} of ${bytes.length} bytes written, not closed`;
  },
  async read() {
    const { step } = await checkpoint.read(await handle());
    await checkpoint.write(await handle(), { step: 2 });
    return `step ${step}, then ${(await checkpoint.read(await handle())).step} over it`;
  },
};
steps[said.get('step')]().then(
  (found) => report({ found }),
  (error) => report({ error: String(error?.stack ?? error) }),
);
