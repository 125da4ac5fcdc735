// Pixels that see a triangle are gathered into blocks, so that the geometry of a block is a few plain loops
// that the compiler vectorises; what is indexed by vertex (attributes, sums of gradients) is scalar.
#include "interpolate.h"

#include <algorithm>

namespace mesh_renderer {
namespace {

constexpr int kBlock = 128;  // pixels

// Pixels and the triangles they see.
struct SeenPixels {
  int count;
  int64_t pixel[kBlock];
  float px[kBlock], py[kBlock];                         // sampled point
  int32_t corner[3][kBlock];                            // vertices of the triangle
  float x[3][kBlock], y[3][kBlock], w[3][kBlock];       // their position
  float b[3][kBlock];                                   // barycentric coordinates
};

// With the arithmetic of RasterizeBand, so that what was found inside is inside: each in [0, 1].
void FindBarycentrics(const SeenMesh& mesh, SeenPixels* s) {
  for (int k = 0; k < 3; ++k) {
    for (int i = 0; i < s->count; ++i) {
      const float* v = mesh.vertices + 4 * static_cast<int64_t>(s->corner[k][i]);
      s->x[k][i] = v[0];
      s->y[k][i] = v[1];
      s->w[k][i] = v[3];
    }
  }
  for (int i = 0; i < s->count; ++i) {
    const Edges e = EdgesOf(s->x[0][i], s->y[0][i], s->w[0][i], s->x[1][i], s->y[1][i], s->w[1][i],
                            s->x[2][i], s->y[2][i], s->w[2][i]);
    const float l0 = (e.a[0] * s->px[i] + e.b[0] * s->py[i]) + e.c[0];
    const float l1 = (e.a[1] * s->px[i] + e.b[1] * s->py[i]) + e.c[1];
    const float l2 = (e.a[2] * s->px[i] + e.b[2] * s->py[i]) + e.c[2];
    const float sum = (l0 + l1) + l2;
    s->b[0][i] = l0 / sum;
    s->b[1][i] = l1 / sum;
    s->b[2][i] = l2 / sum;
  }
}

// Calls visit(block) for the seen pixels of rows [row_begin, row_end) in the order of the rows, those alone
// whose triangle has a corner in [vertex_begin, vertex_end).
template <typename Visit>
void ForSeenPixels(const SeenMesh& mesh, int row_begin, int row_end, int64_t vertex_begin, int64_t vertex_end,
                   const Visit& visit) {
  const std::vector<float> center_x = PixelCenters(mesh.width);
  const bool all = vertex_begin <= 0 && vertex_end >= mesh.vertex_count;
  const auto wanted = [&](int32_t vertex) { return (vertex >= vertex_begin) & (vertex < vertex_end); };
  SeenPixels block;
  block.count = 0;
  const auto flush = [&]() {
    FindBarycentrics(mesh, &block);
    visit(block);
    block.count = 0;
  };
  for (int row = row_begin; row < row_end; ++row) {
    const float py = PixelCenter(StoredRow(row, mesh.height, mesh.top_down), mesh.height);
    const int64_t first = static_cast<int64_t>(row) * mesh.width;
    for (int x = 0; x < mesh.width; ++x) {
      const int32_t triangle = mesh.triangle_ids[first + x];
      if (triangle < 0) continue;
      const int32_t c0 = mesh.triangles.corner[0][triangle];
      const int32_t c1 = mesh.triangles.corner[1][triangle];
      const int32_t c2 = mesh.triangles.corner[2][triangle];
      if (!all && !(wanted(c0) | wanted(c1) | wanted(c2))) continue;
      const int i = block.count++;
      block.pixel[i] = first + x;
      block.px[i] = center_x[x];
      block.py[i] = py;
      block.corner[0][i] = c0;
      block.corner[1][i] = c1;
      block.corner[2][i] = c2;
      if (block.count == kBlock) flush();
    }
  }
  if (block.count > 0) flush();
}

// Adds to the corners of a block's triangles the gradient for `grad` [3][kBlock] of the barycentrics.
//
// With l = M^-1 p and b = l / sum(l), moving corner j by d changes b_i by -b_j (r_i - b_i sum_k r_k) . d,
// where r_i is row i of M^-1. For a gradient g of b this sums to -b_j (sum_i h_i r_i), h_i = g_i - g . b.
// In float64: see Determinant.
void AddVertexGrad(const SeenPixels& s, const float (*grad)[kBlock], int64_t vertex_begin, int64_t vertex_end,
                   float* vertex_grad) {
  float direction[3][kBlock];  // sum_i h_i r_i
  for (int i = 0; i < s.count; ++i) {
    const double x0 = s.x[0][i], y0 = s.y[0][i], w0 = s.w[0][i];
    const double x1 = s.x[1][i], y1 = s.y[1][i], w1 = s.w[1][i];
    const double x2 = s.x[2][i], y2 = s.y[2][i], w2 = s.w[2][i];
    double a[3], b[3], c[3];
    CrossRow(x1, y1, w1, x2, y2, w2, &a[0], &b[0], &c[0]);
    CrossRow(x2, y2, w2, x0, y0, w0, &a[1], &b[1], &c[1]);
    CrossRow(x0, y0, w0, x1, y1, w1, &a[2], &b[2], &c[2]);
    const double det = x0 * a[0] + x1 * a[1] + x2 * a[2];
    const double g0 = grad[0][i], g1 = grad[1][i], g2 = grad[2][i];
    const double mean = (g0 * s.b[0][i] + g1 * s.b[1][i]) + g2 * s.b[2][i];
    const double h0 = g0 - mean, h1 = g1 - mean, h2 = g2 - mean;
    direction[0][i] = static_cast<float>(((h0 * a[0] + h1 * a[1]) + h2 * a[2]) / det);
    direction[1][i] = static_cast<float>(((h0 * b[0] + h1 * b[1]) + h2 * b[2]) / det);
    direction[2][i] = static_cast<float>(((h0 * c[0] + h1 * c[1]) + h2 * c[2]) / det);
  }
  for (int i = 0; i < s.count; ++i) {
    for (int k = 0; k < 3; ++k) {
      const int64_t vertex = s.corner[k][i];
      if (vertex < vertex_begin || vertex >= vertex_end) continue;
      float* out = vertex_grad + 4 * vertex;
      out[0] -= s.b[k][i] * direction[0][i];
      out[1] -= s.b[k][i] * direction[1][i];
      out[3] -= s.b[k][i] * direction[2][i];
    }
  }
}

// Calls run(Channels<C>()) with the number of channels as a constant C where it is a usual one, else with 0,
// so that the compiler unrolls the loops over channels.
template <int kCount>
struct Channels {
  static int Of(int channels) { return kCount > 0 ? kCount : channels; }
};

template <typename Run>
void WithChannels(int channels, const Run& run) {
  switch (channels) {
    case 1: run(Channels<1>()); break;
    case 3: run(Channels<3>()); break;
    case 4: run(Channels<4>()); break;
    default: run(Channels<0>());
  }
}

struct Interpolate {
  const SeenMesh& mesh;
  const float* attributes;
  const float* background;
  int channels, row_begin, row_end;
  float* image;

  template <typename C>
  void operator()(C) const {
    const int count = C::Of(channels);
    const int64_t begin = static_cast<int64_t>(row_begin) * mesh.width;
    const int64_t end = static_cast<int64_t>(row_end) * mesh.width;
    for (int64_t pixel = begin; pixel < end; ++pixel) {
      for (int c = 0; c < count; ++c) image[pixel * count + c] = background[c];
    }
    ForSeenPixels(mesh, row_begin, row_end, 0, mesh.vertex_count, [&](const SeenPixels& s) {
      for (int i = 0; i < s.count; ++i) {
        const float b0 = s.b[0][i], b1 = s.b[1][i], b2 = s.b[2][i];
        const float* a0 = attributes + static_cast<int64_t>(s.corner[0][i]) * count;
        const float* a1 = attributes + static_cast<int64_t>(s.corner[1][i]) * count;
        const float* a2 = attributes + static_cast<int64_t>(s.corner[2][i]) * count;
        float* out = image + s.pixel[i] * count;
        for (int c = 0; c < count; ++c) out[c] = (b0 * a0[c] + b1 * a1[c]) + b2 * a2[c];
      }
    });
  }
};

struct InterpolateBackward {
  const SeenMesh& mesh;
  const float* attributes;
  int channels;
  const float* image_grad;
  int64_t vertex_begin, vertex_end;
  float* vertex_grad;
  float* attribute_grad;

  template <typename C>
  void operator()(C) const {
    const int count = C::Of(channels);
    ForSeenPixels(mesh, 0, mesh.height, vertex_begin, vertex_end, [&](const SeenPixels& s) {
      float grad[3][kBlock];
      for (int i = 0; i < s.count; ++i) {
        const float* g = image_grad + s.pixel[i] * count;
        for (int k = 0; k < 3; ++k) {
          const int64_t vertex = s.corner[k][i];
          const float* a = attributes + vertex * count;
          float sum = 0.0f;
          for (int c = 0; c < count; ++c) sum += g[c] * a[c];
          grad[k][i] = sum;
          if (vertex < vertex_begin || vertex >= vertex_end) continue;
          float* out = attribute_grad + vertex * count;
          for (int c = 0; c < count; ++c) out[c] += s.b[k][i] * g[c];
        }
      }
      AddVertexGrad(s, grad, vertex_begin, vertex_end, vertex_grad);
    });
  }
};

}  // namespace

void BarycentricRows(const SeenMesh& mesh, int row_begin, int row_end, float* barycentrics) {
  const int64_t begin = static_cast<int64_t>(row_begin) * mesh.width;
  const int64_t end = static_cast<int64_t>(row_end) * mesh.width;
  std::fill(barycentrics + 3 * begin, barycentrics + 3 * end, 0.0f);
  ForSeenPixels(mesh, row_begin, row_end, 0, mesh.vertex_count, [&](const SeenPixels& s) {
    for (int i = 0; i < s.count; ++i) {
      float* out = barycentrics + 3 * s.pixel[i];
      for (int k = 0; k < 3; ++k) out[k] = s.b[k][i];
    }
  });
}

void InterpolateRows(const SeenMesh& mesh, const float* attributes, const float* background, int channels,
                     int row_begin, int row_end, float* image) {
  WithChannels(channels, Interpolate{mesh, attributes, background, channels, row_begin, row_end, image});
}

void BarycentricGrad(const SeenMesh& mesh, const float* barycentric_grad, int64_t vertex_begin,
                     int64_t vertex_end, float* vertex_grad) {
  ForSeenPixels(mesh, 0, mesh.height, vertex_begin, vertex_end, [&](const SeenPixels& s) {
    float grad[3][kBlock];
    for (int i = 0; i < s.count; ++i) {
      for (int k = 0; k < 3; ++k) grad[k][i] = barycentric_grad[3 * s.pixel[i] + k];
    }
    AddVertexGrad(s, grad, vertex_begin, vertex_end, vertex_grad);
  });
}

void InterpolateGrad(const SeenMesh& mesh, const float* attributes, int channels, const float* image_grad,
                     int64_t vertex_begin, int64_t vertex_end, float* vertex_grad, float* attribute_grad) {
  WithChannels(channels, InterpolateBackward{mesh, attributes, channels, image_grad, vertex_begin, vertex_end,
                                             vertex_grad, attribute_grad});
}

}  // namespace mesh_renderer
