// What gradloom/interop imports when it is first asked: this part alone needs @bufbuild/protobuf.
export { fromOnnx } from './from.ts';
export { toOnnx } from './to.ts';
