// The one table of what is read: operators of ONNX by name.
import { layerRules } from './layers.ts';
import { layoutRules } from './layout.ts';
import { mathRules } from './math.ts';
import { recurrentRules } from './recurrent.ts';
import { resizeRules } from './resize.ts';
import type { Rules } from './rule.ts';
import { windowRules } from './windows.ts';

/** @internal Every row by operator. */
export const rules: Rules = { ...layerRules, ...layoutRules, ...mathRules, ...recurrentRules, ...resizeRules, ...windowRules };
