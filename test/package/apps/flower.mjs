// The two-loss application as a node of a federation.
import './two-loss.mjs';
import { arraysOf, clientApp, fileStore, indexedDBStore, loadArrays, modelHash, publicKeyOf, runSuperNode, stackRows } from 'gradloom/flower';

export { arraysOf, clientApp, fileStore, indexedDBStore, loadArrays, modelHash, publicKeyOf, runSuperNode, stackRows };
