// The page's worker: all that it takes to train beside the page.
import { serve } from 'gradloom/worker';
import { train } from './train.ts';

serve(train);
