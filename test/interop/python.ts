// The Python that the tests against PyTorch run: the one that PYTHON names, else a virtual environment under build/, made where it is missing.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const venv = fileURLToPath(new URL('../../build/interop-python', import.meta.url));

/** Whether an interpreter has the modules: what every test needs, unless others are named. */
export const works = (python: string, modules = 'torch, safetensors.torch, torchjd'): boolean => {
  try {
    execFileSync(python, ['-c', `import ${modules}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

/** An interpreter that has torch, safetensors and torchjd, or why there is none. `install`: whether to make one. */
export function findPython(install: boolean): { python: string } | { missing: string } {
  const named = process.env['PYTHON'];
  if (named) return works(named) ? { python: named } : { missing: `PYTHON=${named} lacks torch, safetensors or torchjd` };
  const own = `${venv}/bin/python`;
  if (existsSync(own) && works(own)) return { python: own };
  if (!install) return { missing: 'no Python with torch; set PYTHON, or run npm run test:interop, which installs it' };
  try {
    console.log('making build/interop-python: torch, safetensors, torchjd (6 GB, some minutes)');
    execFileSync('python3', ['-m', 'venv', venv], { stdio: 'inherit' });
    execFileSync(own, ['-m', 'pip', 'install', '--quiet', 'torch', 'safetensors', 'torchjd[cagrad]', 'numpy'], { stdio: 'inherit' });
  } catch (error) {
    return { missing: `python3 -m venv and pip did not succeed (${(error as Error).message.split('\n')[0]})` };
  }
  return works(own) ? { python: own } : { missing: 'what pip installed does not load' };
}
