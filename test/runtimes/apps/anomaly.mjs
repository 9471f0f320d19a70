// Anomaly mode in a page: the message names this file's line, forward and backward.
import { autograd, tensor } from 'gradloom';

const source = await (await fetch(import.meta.url)).text();

/** What it says, which must name the line that is marked. */
function named(run, mark) {
  try {
    run();
  } catch (error) {
    const said = /, called at ([^\n]*):(\d+):\d+:/.exec(error.message);
    if (said?.[1] !== import.meta.url || !source.split('\n')[said[2] - 1]?.endsWith(`// ${mark}`)) throw new Error(`${mark}: it says\n${error.message}`);
    return said[2];
  }
  throw new Error(`${mark}: no error`);
}

globalThis.gradloomSmoke = async () => {
  autograd.setDetectAnomaly(true, { strict: true });
  const x = tensor([1, 0], { requiresGrad: true });
  const forward = named(() => {
    x.add(1).mul(0).log(); // made here
  }, 'made here');
  const backward = named(() => {
    const root = x.sqrt(); // its gradient is infinite
    root.mul(0).sum().backward();
  }, 'its gradient is infinite');
  autograd.setDetectAnomaly(false);
  return { hash: '', note: `names lines ${forward} and ${backward}` };
};
