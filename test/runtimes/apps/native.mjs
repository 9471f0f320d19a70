// A page without a bundler: the package as it ships, found by an import map.
import * as gradloom from 'gradloom';
import { smoke } from './smoke.mjs';

globalThis.gradloomSmoke = async (options) => {
  if (options) await gradloom.init(options);
  const result = smoke(gradloom);
  gradloom.close();
  return result;
};
