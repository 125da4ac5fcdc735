// Which pixels of a row a triangle covers, and whether it hides what they show: for one pixel, or for a segment of
// a row at once.
#ifndef MESH_RENDERER_KERNELS_COVER_H_
#define MESH_RENDERER_KERNELS_COVER_H_

#include <cstdint>
#include <cstring>

namespace mesh_renderer {

#ifdef __AVX__
constexpr int kSegment = 8;  // pixels of a row that are drawn together
#else
constexpr int kSegment = 4;
#endif

// A segment of a row. Written with the compiler's vector type: a loop of eight is unrolled before it can be
// vectorised.
typedef float FloatSegment __attribute__((vector_size(4 * kSegment)));
typedef int32_t IntSegment __attribute__((vector_size(4 * kSegment)));

template <typename Segment, typename Value>
inline Segment Load(const Value* from) {
  Segment segment;
  std::memcpy(&segment, from, sizeof(segment));
  return segment;
}

template <typename Segment, typename Value>
inline void Store(const Segment& segment, Value* to) {
  std::memcpy(to, &segment, sizeof(segment));
}

inline IntSegment Iota() {
  IntSegment iota;
  for (int i = 0; i < kSegment; ++i) iota[i] = i;
  return iota;
}

// A triangle in one row of pixels: its edge functions there are (a[k] px + r[k]) + c[k].
struct TriangleRow {
  float a[3], r[3], c[3];
  float z[3], w[3];  // of the corners
};

// Whether the triangle covers the pixel at px, and its z there; `Real`: float, or FloatSegment for a segment.
template <typename Real>
inline auto Cover(const TriangleRow& t, const Real& px, Real* z) -> decltype(px >= px) {
  const Real l0 = (t.a[0] * px + t.r[0]) + t.c[0];
  const Real l1 = (t.a[1] * px + t.r[1]) + t.c[1];
  const Real l2 = (t.a[2] * px + t.r[2]) + t.c[2];
  const Real sum = (l0 + l1) + l2;
  const Real b0 = l0 / sum, b1 = l1 / sum, b2 = l2 / sum;
  const Real depth = ((b0 * t.z[0] + b1 * t.z[1]) + b2 * t.z[2]) / ((b0 * t.w[0] + b1 * t.w[1]) + b2 * t.w[2]);
  *z = depth;
  return (l0 >= 0.0f) & (l1 >= 0.0f) & (l2 >= 0.0f) & (sum > 0.0f) & (depth >= -1.0f) & (depth <= 1.0f);
}

// Whether triangle `id` at depth `z` hides what the pixel shows.
template <typename Real, typename Int>
inline auto Wins(const Real& z, int32_t id, const Real& shown_z, const Int& shown_id) -> decltype(z < z) {
  return (z < shown_z) | ((z == shown_z) & (id > shown_id));
}

}  // namespace mesh_renderer

#endif  // MESH_RENDERER_KERNELS_COVER_H_
