// What windows over images and lines may be: kinds of options that several layers have.
import { COUNT, isListOf, type Kind, orNull } from '../tensor/check.ts';

const isNatural = (v: unknown): boolean => Number.isSafeInteger(v) && (v as number) >= 0;
const oneOrThree = (test: (v: unknown) => boolean) => (v: unknown) => test(v) || isListOf(v, test, 3);
const oneOrTwo = (test: (v: unknown) => boolean) => (v: unknown) => test(v) || isListOf(v, test, 2);

/** Margins along one direction. */
export const NATURAL: Kind = { what: 'a whole number ≥ 0', test: isNatural };
/** Sizes and steps in both directions. */
export const PAIR: Kind = { what: 'a whole number ≥ 1 or two of them', test: /* @__PURE__ */ oneOrTwo(COUNT.test) };
/** Margins in both directions. */
export const MARGINS: Kind = { what: 'a whole number ≥ 0 or two of them', test: /* @__PURE__ */ oneOrTwo(isNatural) };
/** Sizes and steps in three directions, and margins. */
export const TRIPLE: Kind = { what: 'a whole number ≥ 1 or three of them', test: /* @__PURE__ */ oneOrThree(COUNT.test) };
export const MARGINS3: Kind = { what: 'a whole number ≥ 0 or three of them', test: /* @__PURE__ */ oneOrThree(isNatural) };
/** Steps of pooling: null stands for the window's size, as in PyTorch. */
export const STEP: Kind = /* @__PURE__ */ orNull(COUNT);
export const STEPS: Kind = /* @__PURE__ */ orNull(PAIR);
export const STEPS3: Kind = /* @__PURE__ */ orNull(TRIPLE);
/** Margins of a convolution may be a word. */
const isWord = (v: unknown): boolean => v === 'same' || v === 'valid';
export const PADDING: Kind = { what: "a whole number ≥ 0, 'same' or 'valid'", test: (v) => isNatural(v) || isWord(v) };
export const PADDINGS: Kind = { what: "a whole number ≥ 0 or two of them, 'same' or 'valid'", test: (v) => MARGINS.test(v) || isWord(v) };
export const PADDINGS3: Kind = { what: "a whole number ≥ 0 or three of them, 'same' or 'valid'", test: (v) => MARGINS3.test(v) || isWord(v) };
/** What stands around the input of a convolution. */
export const MODE: Kind = { what: "'zeros', 'reflect', 'replicate' or 'circular'", test: (v) => ['zeros', 'reflect', 'replicate', 'circular'].includes(v as string) };
