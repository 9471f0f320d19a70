// What of PyTorch is left out for good, and why: docs/names.md says so. What is only not written yet does not stand here.

/** Names (a `*` stands for any end) by the reason for which they are left out. */
export const absent: readonly { readonly reason: string; readonly instead?: string; readonly names: readonly string[] }[] = [
  {
    reason: 'Complex numbers: elements are float32, int32 and bool.',
    names: [
      'angle',
      'complex',
      'conj',
      'conj_physical',
      'fft.*',
      'imag',
      'is_complex',
      'istft',
      'linalg.eig',
      'linalg.eigvals',
      'polar',
      'real',
      'resolve_conj',
      'stft',
      'view_as_complex',
      'view_as_real',
    ],
  },
  {
    reason: 'Types of 64, 16 and 8 bits: every element has 32. Statistics of losses and small matrices are computed in float64 inside.',
    instead: '`.float()`, `.int()`, `.bool()`; int32 where PyTorch has int64; `pow` for float_power',
    names: ['bfloat16', 'byte', 'char', 'double', 'float_power', 'half', 'long', 'short', 'quantize_*', 'fake_quantize_*'],
  },
  {
    reason: 'Sparse tensors: gradients of embeddings are dense, and counted without being formed where that is shorter.',
    instead: '`Adam`; `gather`, `scatterAdd`, `indexAdd`',
    names: ['sparse.*', 'sparse_coo_tensor', 'sparse_csr_tensor', 'to_sparse', 'to_dense', 'optim.SparseAdam', 'smm', 'sspaddmm', 'hspmm'],
  },
  {
    reason: 'Layers that learn their sizes at the first call: sizes are given when a layer is made, so that its parameters exist for the optimizer.',
    names: ['nn.Lazy*'],
  },
  {
    reason: 'Several devices: one WebAssembly memory a process, whose products may use threads.',
    instead: '`init({ threads })`, `gradloom/worker`; on several machines `gradloom/mpi`',
    names: ['nn.DataParallel', 'nn.SyncBatchNorm', 'distributed.*', 'cuda.*'],
  },
  {
    reason: 'Compilers and formats of Python.',
    instead: '`capture` replays a step in one call; `checkpoint` reads and writes safetensors; `toOnnx`, `fromOnnx` and `toPyTorch` of `gradloom/interop`',
    names: ['compile', 'jit.*', 'fx.*', 'export.*', 'onnx.*', 'save', 'load'],
  },
  { reason: 'Names that PyTorch itself has given up.', names: ['nn.Container', 'nn.CrossMapLRN2d', 'nn.NLLLoss2d'] },
];
