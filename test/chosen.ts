// uvu without the tests whose names do not match TEST_NAME: what named.ts puts in its place.
import * as uvu from 'uvu';

const pattern = new RegExp(process.env.TEST_NAME as string);

function only(all: uvu.Test): uvu.Test {
  const add = (name: string, run: uvu.Callback): void => {
    if (pattern.test(name)) all(name, run);
  };
  return Object.assign(add, all, { skip: (name = '') => void (pattern.test(name) && all.skip(name)) });
}

export const test: uvu.Test = only(uvu.test);
export const suite = (name?: string): uvu.Test => only(uvu.suite(name));
