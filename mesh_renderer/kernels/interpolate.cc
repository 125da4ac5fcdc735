#include "interpolate.h"

#include <algorithm>

namespace mesh_renderer {
namespace {

// The corners of the triangle that a pixel sees.
struct Corners {
  int32_t id[3];
  const float* vertex[3];
};

inline Corners CornersOf(const SeenMesh& mesh, int32_t triangle) {
  Corners corners;
  for (int k = 0; k < 3; ++k) {
    corners.id[k] = mesh.triangles.corner[k][triangle];
    corners.vertex[k] = mesh.vertices + 4 * static_cast<int64_t>(corners.id[k]);
  }
  return corners;
}

// The same arithmetic as in RasterizeBand, so that what was found inside is inside: each in [0, 1].
inline void BarycentricsAt(const Corners& corners, float px, float py, float* barycentrics) {
  const Edges e = EdgesOf(corners.vertex[0], corners.vertex[1], corners.vertex[2]);
  float l[3];
  for (int k = 0; k < 3; ++k) l[k] = (e.a[k] * px + e.b[k] * py) + e.c[k];
  const float sum = (l[0] + l[1]) + l[2];
  for (int k = 0; k < 3; ++k) barycentrics[k] = l[k] / sum;
}

// With l = M^-1 p and b = l / sum(l), moving corner j by d changes b_i by
// -b_j (r_i - b_i sum_k r_k) . d, where r_i is row i of M^-1. For a gradient g of b this sums to
// -b_j (sum_i h_i r_i) with h_i = g_i - g . b. In float64: see Determinant.
inline void AddVertexGrad(const Corners& corners, const float* b, const float* g, int64_t vertex_begin,
                          int64_t vertex_end, float* vertex_grad) {
  double v[3][3];
  for (int k = 0; k < 3; ++k) {
    v[k][0] = corners.vertex[k][0];
    v[k][1] = corners.vertex[k][1];
    v[k][2] = corners.vertex[k][3];
  }
  double row[3][3];
  for (int k = 0; k < 3; ++k) {
    const double* p = v[(k + 1) % 3];
    const double* q = v[(k + 2) % 3];
    CrossRow(p[0], p[1], p[2], q[0], q[1], q[2], &row[k][0], &row[k][1], &row[k][2]);
  }
  const double det = Determinant(corners.vertex[0], corners.vertex[1], corners.vertex[2]);
  if (det == 0) return;
  const double mean = static_cast<double>(g[0]) * b[0] + static_cast<double>(g[1]) * b[1] +
                      static_cast<double>(g[2]) * b[2];
  double direction[3] = {0, 0, 0};
  for (int i = 0; i < 3; ++i) {
    const double h = (g[i] - mean) / det;
    for (int c = 0; c < 3; ++c) direction[c] += h * row[i][c];
  }
  for (int j = 0; j < 3; ++j) {
    if (corners.id[j] < vertex_begin || corners.id[j] >= vertex_end) continue;
    float* out = vertex_grad + 4 * static_cast<int64_t>(corners.id[j]);
    out[0] -= static_cast<float>(b[j] * direction[0]);
    out[1] -= static_cast<float>(b[j] * direction[1]);
    out[3] -= static_cast<float>(b[j] * direction[2]);
  }
}

inline bool TouchesRange(const Corners& corners, int64_t begin, int64_t end) {
  for (int k = 0; k < 3; ++k) {
    if (corners.id[k] >= begin && corners.id[k] < end) return true;
  }
  return false;
}

}  // namespace

void BarycentricRows(const SeenMesh& mesh, int row_begin, int row_end, float* barycentrics) {
  for (int row = row_begin; row < row_end; ++row) {
    const float py = PixelCenter(StoredRow(row, mesh.height, mesh.top_down), mesh.height);
    for (int x = 0; x < mesh.width; ++x) {
      const int64_t pixel = static_cast<int64_t>(row) * mesh.width + x;
      const int32_t triangle = mesh.triangle_ids[pixel];
      float* out = barycentrics + 3 * pixel;
      if (triangle < 0) {
        out[0] = out[1] = out[2] = 0.0f;
      } else {
        BarycentricsAt(CornersOf(mesh, triangle), PixelCenter(x, mesh.width), py, out);
      }
    }
  }
}

void InterpolateRows(const SeenMesh& mesh, const float* attributes, const float* background, int channels,
                     int row_begin, int row_end, float* image) {
  for (int row = row_begin; row < row_end; ++row) {
    const float py = PixelCenter(StoredRow(row, mesh.height, mesh.top_down), mesh.height);
    for (int x = 0; x < mesh.width; ++x) {
      const int64_t pixel = static_cast<int64_t>(row) * mesh.width + x;
      const int32_t triangle = mesh.triangle_ids[pixel];
      float* out = image + pixel * channels;
      if (triangle < 0) {
        std::copy_n(background, channels, out);
        continue;
      }
      const Corners corners = CornersOf(mesh, triangle);
      float b[3];
      BarycentricsAt(corners, PixelCenter(x, mesh.width), py, b);
      const float* a0 = attributes + static_cast<int64_t>(corners.id[0]) * channels;
      const float* a1 = attributes + static_cast<int64_t>(corners.id[1]) * channels;
      const float* a2 = attributes + static_cast<int64_t>(corners.id[2]) * channels;
      for (int c = 0; c < channels; ++c) out[c] = (b[0] * a0[c] + b[1] * a1[c]) + b[2] * a2[c];
    }
  }
}

void BarycentricGrad(const SeenMesh& mesh, const float* barycentric_grad, int64_t vertex_begin,
                     int64_t vertex_end, float* vertex_grad) {
  for (int row = 0; row < mesh.height; ++row) {
    const float py = PixelCenter(StoredRow(row, mesh.height, mesh.top_down), mesh.height);
    for (int x = 0; x < mesh.width; ++x) {
      const int64_t pixel = static_cast<int64_t>(row) * mesh.width + x;
      const int32_t triangle = mesh.triangle_ids[pixel];
      if (triangle < 0) continue;
      const Corners corners = CornersOf(mesh, triangle);
      if (!TouchesRange(corners, vertex_begin, vertex_end)) continue;
      float b[3];
      BarycentricsAt(corners, PixelCenter(x, mesh.width), py, b);
      AddVertexGrad(corners, b, barycentric_grad + 3 * pixel, vertex_begin, vertex_end, vertex_grad);
    }
  }
}

void InterpolateGrad(const SeenMesh& mesh, const float* attributes, int channels, const float* image_grad,
                     int64_t vertex_begin, int64_t vertex_end, float* vertex_grad, float* attribute_grad) {
  for (int row = 0; row < mesh.height; ++row) {
    const float py = PixelCenter(StoredRow(row, mesh.height, mesh.top_down), mesh.height);
    for (int x = 0; x < mesh.width; ++x) {
      const int64_t pixel = static_cast<int64_t>(row) * mesh.width + x;
      const int32_t triangle = mesh.triangle_ids[pixel];
      if (triangle < 0) continue;
      const Corners corners = CornersOf(mesh, triangle);
      if (!TouchesRange(corners, vertex_begin, vertex_end)) continue;
      float b[3];
      BarycentricsAt(corners, PixelCenter(x, mesh.width), py, b);
      const float* g = image_grad + pixel * channels;
      float barycentric_grad[3] = {0, 0, 0};
      for (int k = 0; k < 3; ++k) {
        const int64_t first = static_cast<int64_t>(corners.id[k]) * channels;
        for (int c = 0; c < channels; ++c) barycentric_grad[k] += g[c] * attributes[first + c];
        if (corners.id[k] < vertex_begin || corners.id[k] >= vertex_end) continue;
        for (int c = 0; c < channels; ++c) attribute_grad[first + c] += b[k] * g[c];
      }
      AddVertexGrad(corners, b, barycentric_grad, vertex_begin, vertex_end, vertex_grad);
    }
  }
}

}  // namespace mesh_renderer
