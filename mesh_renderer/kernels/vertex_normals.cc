// Vectors are kept as four floats: one load, one addition and one store each, where the ring of a vertex is
// summed or scattered.
#include "vertex_normals.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace mesh_renderer {
namespace {

constexpr int kBlock = 128;
constexpr float kSmallestSquare = 1e-12f;

typedef float Vector __attribute__((vector_size(16)));  // x, y, z, 0

// Coordinates of a block of vectors.
struct Block {
  float x[kBlock], y[kBlock], z[kBlock];

  void Set(int i, const float* v) {
    x[i] = v[0];
    y[i] = v[1];
    z[i] = v[2];
  }
};

// For triangles: e1 = v0 - v1, e2 = v1 - v2, the normal n = (e1 x e2) * inverse.
struct FaceBlock {
  Block corner[3];
  Block e1, e2, n;
  float inverse[kBlock];
  float shrinks[kBlock];  // 1 where the normal is a unit vector, 0 where e1 x e2 is too short for that

  void Compute(const Surface& surface, const float* vertices, int64_t first, int count) {
    for (int k = 0; k < 3; ++k) {
      const int32_t* ids = surface.triangles.corner[k] + first;
      for (int i = 0; i < count; ++i) corner[k].Set(i, vertices + 3 * static_cast<int64_t>(ids[i]));
    }
    for (int i = 0; i < count; ++i) {
      e1.x[i] = corner[0].x[i] - corner[1].x[i];
      e1.y[i] = corner[0].y[i] - corner[1].y[i];
      e1.z[i] = corner[0].z[i] - corner[1].z[i];
      e2.x[i] = corner[1].x[i] - corner[2].x[i];
      e2.y[i] = corner[1].y[i] - corner[2].y[i];
      e2.z[i] = corner[1].z[i] - corner[2].z[i];
      const float x = e1.y[i] * e2.z[i] - e1.z[i] * e2.y[i];
      const float y = e1.z[i] * e2.x[i] - e1.x[i] * e2.z[i];
      const float z = e1.x[i] * e2.y[i] - e1.y[i] * e2.x[i];
      const float square = (x * x + y * y) + z * z;
      shrinks[i] = square > kSmallestSquare ? 1.0f : 0.0f;
      inverse[i] = 1.0f / std::sqrt(square > kSmallestSquare ? square : kSmallestSquare);
      n.x[i] = x * inverse[i];
      n.y[i] = y * inverse[i];
      n.z[i] = z * inverse[i];
    }
  }
};

// Unit normals of the triangles, and a zero for "none" at the end.
std::vector<Vector> FaceNormals(const Surface& surface, const float* vertices) {
  std::vector<Vector> normals(surface.triangles.count + 1);
  FaceBlock block;
  for (int64_t first = 0; first < surface.triangles.count; first += kBlock) {
    const int count = static_cast<int>(std::min<int64_t>(kBlock, surface.triangles.count - first));
    block.Compute(surface, vertices, first, count);
    for (int i = 0; i < count; ++i) normals[first + i] = Vector{block.n.x[i], block.n.y[i], block.n.z[i], 0.0f};
  }
  return normals;
}

inline Vector RingSum(const Surface& surface, const std::vector<Vector>& face_normals, int64_t vertex) {
  const int32_t* ring = surface.faces + vertex * surface.ring;
  Vector sum = {};
  for (int k = 0; k < surface.ring; ++k) sum += face_normals[ring[k]];
  return sum;
}

inline float Dot(const Vector& a, const Vector& b) { return (a[0] * b[0] + a[1] * b[1]) + a[2] * b[2]; }

}  // namespace

void VertexNormals(const Surface& surface, const float* vertices, float* normals) {
  const std::vector<Vector> face_normals = FaceNormals(surface, vertices);
  for (int64_t v = 0; v < surface.vertex_count; ++v) {
    const Vector sum = RingSum(surface, face_normals, v);
    const float square = Dot(sum, sum);
    const float inverse = 1.0f / std::sqrt(square > kSmallestSquare ? square : kSmallestSquare);
    for (int c = 0; c < 3; ++c) normals[3 * v + c] = sum[c] * inverse;
  }
}

void VertexNormalsGrad(const Surface& surface, const float* vertices, const float* normal_grad,
                       float* vertex_grad) {
  const std::vector<Vector> face_normals = FaceNormals(surface, vertices);
  // Of u = x / |x|: dx = (du - u (u . du)) / |x|.
  std::vector<Vector> face_grad(surface.triangles.count + 1, Vector{});
  for (int64_t v = 0; v < surface.vertex_count; ++v) {
    const Vector sum = RingSum(surface, face_normals, v);
    const float square = Dot(sum, sum);
    const bool shrinks = square > kSmallestSquare;
    const float inverse = 1.0f / std::sqrt(shrinks ? square : kSmallestSquare);
    const Vector normal = sum * inverse;
    const Vector grad = {normal_grad[3 * v], normal_grad[3 * v + 1], normal_grad[3 * v + 2], 0.0f};
    const Vector sum_grad = inverse * (grad - normal * (shrinks ? Dot(normal, grad) : 0.0f));
    const int32_t* ring = surface.faces + v * surface.ring;
    for (int k = 0; k < surface.ring; ++k) face_grad[ring[k]] += sum_grad;
  }

  // Of c = e1 x e2: de1 = e2 x dc, de2 = dc x e1.
  std::vector<Vector> sums(surface.vertex_count, Vector{});
  FaceBlock block;
  Block grad, d1, d2;
  for (int64_t first = 0; first < surface.triangles.count; first += kBlock) {
    const int count = static_cast<int>(std::min<int64_t>(kBlock, surface.triangles.count - first));
    block.Compute(surface, vertices, first, count);
    for (int i = 0; i < count; ++i) {
      const Vector g = face_grad[first + i];
      grad.x[i] = g[0];
      grad.y[i] = g[1];
      grad.z[i] = g[2];
    }
    for (int i = 0; i < count; ++i) {
      const float along = block.shrinks[i] * ((block.n.x[i] * grad.x[i] + block.n.y[i] * grad.y[i]) +
                                              block.n.z[i] * grad.z[i]);
      const float x = block.inverse[i] * (grad.x[i] - block.n.x[i] * along);
      const float y = block.inverse[i] * (grad.y[i] - block.n.y[i] * along);
      const float z = block.inverse[i] * (grad.z[i] - block.n.z[i] * along);
      d1.x[i] = block.e2.y[i] * z - block.e2.z[i] * y;
      d1.y[i] = block.e2.z[i] * x - block.e2.x[i] * z;
      d1.z[i] = block.e2.x[i] * y - block.e2.y[i] * x;
      d2.x[i] = y * block.e1.z[i] - z * block.e1.y[i];
      d2.y[i] = z * block.e1.x[i] - x * block.e1.z[i];
      d2.z[i] = x * block.e1.y[i] - y * block.e1.x[i];
    }
    for (int i = 0; i < count; ++i) {
      const Vector g1 = {d1.x[i], d1.y[i], d1.z[i], 0.0f}, g2 = {d2.x[i], d2.y[i], d2.z[i], 0.0f};
      sums[surface.triangles.corner[0][first + i]] += g1;
      sums[surface.triangles.corner[1][first + i]] += g2 - g1;
      sums[surface.triangles.corner[2][first + i]] -= g2;
    }
  }
  for (int64_t v = 0; v < surface.vertex_count; ++v) {
    for (int c = 0; c < 3; ++c) vertex_grad[3 * v + c] = sums[v][c];
  }
}

}  // namespace mesh_renderer
