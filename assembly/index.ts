// What the host can call. Addresses and counts in, numbers out: no shapes, no graph, no allocation inside a kernel.
export { alloc, free } from "./memory";
export * from "./kernels/unary";
export * from "./kernels/binary";
export * from "./kernels/movement";
export { argmax, argmin, maxOver, maxOverInt, minOver, minOverInt, sum, sumInt } from "./kernels/reduce";
export { scratchBytes, useScratch } from "./kernels/matmul";
export { dismiss, joinTeam, matmul, work } from "./kernels/parallel";
export { logSoftmax, logSoftmaxGrad, softmax, softmaxGrad } from "./kernels/softmax";
export * from "./kernels/loss";
export * from "./kernels/adaptive";
export * from "./kernels/update";
export * from "./kernels/random";
export * from "./kernels/conv";
export * from "./kernels/norm";
export { gramian } from "./kernels/gramian";
export * from "./kernels/pool";
export { gradDrop, trimmedMean } from "./kernels/conflict";
export { replay } from "./replay";
