/**
 * `gradloom/flower`: a SuperNode for federations that are led by [Flower](https://flower.ai). Needs `@bufbuild/protobuf` beside it.
 * @module gradloom/flower
 */
export * from '../flower/main.ts';
