// A component that trains in a worker. StrictMode mounts it twice in development: the first worker is ended, the second one's result is shown.
import { StrictMode, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { run } from 'gradloom/worker';

const report = (body) => fetch(new URLSearchParams(location.search).get('report'), { method: 'POST', body: JSON.stringify(body) });
const counts = { mounts: 0, stopped: 0 };

function Training() {
  const [shown, show] = useState({});
  useEffect(() => {
    counts.mounts++;
    const worker = new Worker(new URL('./job.js', import.meta.url), { type: 'module' });
    const controller = new AbortController();
    const { signal } = controller;
    (async () => {
      const turns = run(worker, undefined, { signal });
      for (let turn = await turns.next(); ; turn = await turns.next()) {
        if (turn.done) return show(turn.value);
      }
    })().catch((error) => {
      if (error !== signal.reason) show({ error: String(error) });
      else counts.stopped++;
    });
    return () => {
      controller.abort();
      worker.terminate();
    };
  }, []);
  useEffect(() => {
    if (shown.hash || shown.error) report({ ...shown, ...counts, text: document.querySelector('output').textContent });
  }, [shown]);
  return <output>{shown.hash ?? shown.error ?? 'training'}</output>;
}

createRoot(document.querySelector('#root')).render(
  <StrictMode>
    <Training />
  </StrictMode>,
);
