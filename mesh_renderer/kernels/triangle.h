// The geometry that every kernel shares: which point of the screen a pixel samples, and the edge functions
// of a triangle in homogeneous clip space (Olano & Greer, "Triangle Scan Conversion using 2D Homogeneous
// Coordinates", 1997).
//
// A vertex is x, y, z, w in clip space: X right, Y up, in front of the eye where w > 0, on screen where
// -w <= x, y, z <= w. With M = [v0 v1 v2] (columns x, y, w) the point p = (px, py, 1) of the screen is
// M l, and l = M^-1 p is proportional to the perspective-correct barycentric coordinates. The rows of the
// adjugate of M are the three edge functions; det(M) gives them their sign, so that a triangle of either
// winding, and the visible part of one that crosses the eye plane, is where all three are >= 0.
//
// Everything that decides coverage, but for the sign of the determinant, is float32 arithmetic in one fixed order, compiled without fused
// multiply-add: an edge that two triangles share then gets exactly opposite values on its two sides (no
// cracks), and the same image on every machine.
#ifndef MESH_RENDERER_KERNELS_TRIANGLE_H_
#define MESH_RENDERER_KERNELS_TRIANGLE_H_

#include <cstdint>
#include <vector>

namespace mesh_renderer {

// The triangles of a mesh, corner by corner: corner[k][t] is vertex k of triangle t.
struct Triangles {
  const int32_t* corner[3];
  int64_t count;
};

// Centre of pixel `i` of `count` along one axis, in normalised device coordinates [-1, 1].
inline float PixelCenter(int i, int count) {
  return static_cast<float>((i + 0.5) / (0.5 * count) - 1.0);
}

inline std::vector<float> PixelCenters(int count) {
  std::vector<float> centers(count);
  for (int i = 0; i < count; ++i) centers[i] = PixelCenter(i, count);
  return centers;
}

// Where the row that samples height `y` (0 = bottom) is stored.
inline int StoredRow(int y, int height, bool top_down) { return top_down ? height - 1 - y : y; }

// Edge functions e_k(px, py) = (a[k] px + b[k] py) + c[k], zero where the determinant is (a degenerate
// triangle), and with the determinant's sign moved into them.
struct Edges {
  float a[3], b[3], c[3];
};

// Rows of the adjugate of [v0 v1 v2] for one pair of corners: the cross product of u and v.
template <typename Real>
inline void CrossRow(Real ux, Real uy, Real uw, Real vx, Real vy, Real vw, Real* a, Real* b, Real* c) {
  *a = uy * vw - vy * uw;
  *b = vx * uw - ux * vw;
  *c = ux * vy - vx * uy;
}

// det [v0 v1 v2]. In float64, where the products of two float32 numbers are exact: for the small triangles
// of a fine mesh it is a small difference of large terms, and float32 would get even its sign wrong.
inline double Determinant(double x0, double y0, double w0, double x1, double y1, double w1, double x2,
                          double y2, double w2) {
  return x0 * (y1 * w2 - y2 * w1) + x1 * (y2 * w0 - y0 * w2) + x2 * (y0 * w1 - y1 * w0);
}

inline Edges EdgesOf(float x0, float y0, float w0, float x1, float y1, float w1, float x2, float y2, float w2) {
  const double det = Determinant(x0, y0, w0, x1, y1, w1, x2, y2, w2);
  const float sign = det > 0.0 ? 1.0f : (det < 0.0 ? -1.0f : 0.0f);
  Edges e;
  CrossRow(x1, y1, w1, x2, y2, w2, &e.a[0], &e.b[0], &e.c[0]);
  CrossRow(x2, y2, w2, x0, y0, w0, &e.a[1], &e.b[1], &e.c[1]);
  CrossRow(x0, y0, w0, x1, y1, w1, &e.a[2], &e.b[2], &e.c[2]);
  for (int k = 0; k < 3; ++k) {
    e.a[k] *= sign;
    e.b[k] *= sign;
    e.c[k] *= sign;
  }
  return e;
}

}  // namespace mesh_renderer

#endif  // MESH_RENDERER_KERNELS_TRIANGLE_H_
