// gradloom's side in a page: a bundle has the build for threads only where the program imports it.
import 'gradloom/threads';
import './gradloom.ts';
