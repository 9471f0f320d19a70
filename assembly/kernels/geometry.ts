// The record that convolution and pooling read, i32 each:
//
//  ┌───┬───┬───┬───┬───┬────┬────┬────┬────┬────┬────┬────┬────┬────────┬────┬────┐
//  │ N │ C │ H │ W │ O │ KH │ KW │ SH │ SW │ PH │ PW │ DH │ DW │ groups │ OH │ OW │   kernel, stride, padding, dilation, output
//  └───┴───┴───┴───┴───┴────┴────┴────┴────┴────┴────┴────┴────┴────────┴────┴────┘

/** Number i of the record. */
@inline export function field(geometry: usize, i: usize): i32 {
  return load<i32>(geometry + (i << 2));
}
