// The most that 128-bit vectors without fused multiply-add can do here: register tiles of C += A·B whose operands stay in the first
// level of cache, as in the inner loop of any wasm SIMD product. Prints each tile's GFLOP/s; the argument is the time for all of them
// in seconds. Compiled twice, since the same instructions exist in two encodings and engines use the newer one (VEX, three operands)
// where the processor has it.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <xmmintrin.h>

enum { K = 256 };
static float a[8 * K] __attribute__((aligned(64)));
static float b[16 * K] __attribute__((aligned(64)));
static volatile float sink;

// MR rows of A against NV vectors of B: MR·NV accumulators, all in registers.
#define TILE(MR, NV)                                                                                        \
  static void tile##MR##x##NV(int times) {                                                                  \
    __m128 c[MR][NV];                                                                                       \
    for (int i = 0; i < MR; i++)                                                                            \
      for (int j = 0; j < NV; j++) c[i][j] = _mm_setzero_ps();                                              \
    for (int t = 0; t < times; t++) {                                                                       \
      const float *pa = a, *pb = b;                                                                         \
      for (int k = 0; k < K; k++, pa += MR, pb += 4 * NV) {                                                 \
        __m128 v[NV];                                                                                       \
        _Pragma("GCC unroll 8") for (int j = 0; j < NV; j++) v[j] = _mm_load_ps(pb + 4 * j);                \
        _Pragma("GCC unroll 8") for (int i = 0; i < MR; i++) {                                              \
          const __m128 s = _mm_set1_ps(pa[i]);                                                              \
          _Pragma("GCC unroll 8") for (int j = 0; j < NV; j++) c[i][j] = _mm_add_ps(c[i][j], _mm_mul_ps(s, v[j])); \
        }                                                                                                   \
      }                                                                                                     \
    }                                                                                                       \
    for (int i = 0; i < MR; i++)                                                                            \
      for (int j = 0; j < NV; j++) sink = _mm_cvtss_f32(c[i][j]);                                           \
  }

TILE(2, 4)
TILE(4, 2)
TILE(5, 2)
TILE(6, 2)
TILE(3, 3)

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static double measure(void (*tile)(int), double flop, double seconds) {
  const int times = 200;
  const double start = now();
  double count = 0, end;
  do {
    tile(times);
    count += times;
    end = now();
  } while (end - start < seconds);
  return flop * K * count / (end - start) * 1e-9;
}

int main(int argc, char **argv) {
#ifdef __AVX__
  if (!__builtin_cpu_supports("avx")) return puts("{}"), 0;
#endif
  const double seconds = (argc > 1 ? atof(argv[1]) : 0.5) / 5;
  for (int i = 0; i < 8 * K; i++) a[i] = 1e-6f * i;
  for (int i = 0; i < 16 * K; i++) b[i] = 1e-6f * i;
  printf("{\"2x16\":%.3f,", measure(tile2x4, 2 * 2 * 16, seconds));
  printf("\"3x12\":%.3f,", measure(tile3x3, 2 * 3 * 12, seconds));
  printf("\"4x8\":%.3f,", measure(tile4x2, 2 * 4 * 8, seconds));
  printf("\"5x8\":%.3f,", measure(tile5x2, 2 * 5 * 8, seconds));
  printf("\"6x8\":%.3f}\n", measure(tile6x2, 2 * 6 * 8, seconds));
  return 0;
}
