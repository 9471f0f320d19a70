// docs/names.md is as the tables are.
import { readFileSync } from 'node:fs';
import * as gradloom from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { absent } from './absent.ts';
import { camelCase } from './bind.ts';
import { modules, operators, optimizers } from './names.ts';
import { PAGE, page } from './page.ts';

test('the page of names is up to date', () => {
  assert.is(readFileSync(PAGE, 'utf8'), page(), 'write it again: npm run names');
});

test('what is left out is not there', () => {
  const tables = { ...operators, ...modules, ...Object.fromEntries(Object.keys(optimizers).map((name) => [`optim.${name}`, null])) };
  const found = absent.flatMap(({ names }) => names).filter((name) => Object.hasOwn(tables, name) || Object.hasOwn(gradloom, camelCase(name)));
  assert.equal(found, []);
});

test.run();
