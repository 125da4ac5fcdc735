// Vectors are kept as four floats, so that each is one load, one addition or one store.
#include "vertex_normals.h"

#include <cmath>

namespace mesh_renderer {
namespace {

constexpr float kSmallestSquare = 1e-12f;

typedef float Vector __attribute__((vector_size(16)));  // x, y, z, 0
typedef int32_t VectorOrder __attribute__((vector_size(16)));

inline Vector VectorAt(const float* v) { return Vector{v[0], v[1], v[2], 0.0f}; }

inline float Dot(const Vector& a, const Vector& b) {
  const Vector product = a * b;
  return (product[0] + product[1]) + product[2];
}

inline Vector Cross(const Vector& a, const Vector& b) {
  const VectorOrder yzx = {1, 2, 0, 3};
  return __builtin_shuffle(a * __builtin_shuffle(b, yzx) - __builtin_shuffle(a, yzx) * b, yzx);
}

// x * inverse has length 1, or less where x is too short to have a direction.
struct Length {
  float inverse;
  bool too_short;

  explicit Length(const Vector& x) {
    const float square = Dot(x, x);
    too_short = !(square > kSmallestSquare);
    inverse = 1.0f / std::sqrt(too_short ? kSmallestSquare : square);
  }

  // The gradient of x, for that of u = x * inverse: of x / |x| it is (g - u (u . g)) / |x|.
  Vector Backward(const Vector& u, const Vector& grad) const {
    return inverse * (grad - u * (too_short ? 0.0f : Dot(u, grad)));
  }
};

struct Face {
  Vector e1, e2, cross;

  Face(const Surface& surface, const std::vector<Vector>& points, int64_t t) {
    const Vector middle = points[surface.triangles.corner[1][t]];
    e1 = points[surface.triangles.corner[0][t]] - middle;
    e2 = middle - points[surface.triangles.corner[2][t]];
    cross = Cross(e1, e2);
  }
};

inline Vector RingSum(const Surface& surface, const std::vector<Vector>& face_normals, int64_t vertex) {
  const int32_t* ring = surface.faces + vertex * surface.ring;
  Vector sum = {};
  for (int k = 0; k < surface.ring; ++k) sum += face_normals[ring[k]];
  return sum;
}

}  // namespace

struct VertexNormals::Work {
  std::vector<Vector> points, point_grad;
  std::vector<Vector> face_normals, face_grad;  // with a zero for "none" at the end

  void FindFaceNormals(const Surface& surface, const float* vertices) {
    points.resize(surface.vertex_count);
    face_normals.resize(surface.triangles.count + 1);
    for (int64_t v = 0; v < surface.vertex_count; ++v) points[v] = VectorAt(vertices + 3 * v);
    for (int64_t t = 0; t < surface.triangles.count; ++t) {
      const Vector cross = Face(surface, points, t).cross;
      face_normals[t] = cross * Length(cross).inverse;
    }
  }
};

VertexNormals::VertexNormals(const Surface& surface) : surface_(surface), work_(new Work) {}

VertexNormals::~VertexNormals() = default;

void VertexNormals::Forward(const float* vertices, float* normals) {
  work_->FindFaceNormals(surface_, vertices);
  for (int64_t v = 0; v < surface_.vertex_count; ++v) {
    const Vector sum = RingSum(surface_, work_->face_normals, v);
    const Vector normal = sum * Length(sum).inverse;
    for (int c = 0; c < 3; ++c) normals[3 * v + c] = normal[c];
  }
}

void VertexNormals::Backward(const float* vertices, const float* normal_grad, float* vertex_grad) {
  work_->FindFaceNormals(surface_, vertices);
  const std::vector<Vector>& face_normals = work_->face_normals;
  std::vector<Vector>& face_grad = work_->face_grad;
  face_grad.assign(surface_.triangles.count + 1, Vector{});
  for (int64_t v = 0; v < surface_.vertex_count; ++v) {
    const Vector sum = RingSum(surface_, face_normals, v);
    const Length length(sum);
    const Vector grad = length.Backward(sum * length.inverse, VectorAt(normal_grad + 3 * v));
    const int32_t* ring = surface_.faces + v * surface_.ring;
    for (int k = 0; k < surface_.ring; ++k) face_grad[ring[k]] += grad;
  }

  std::vector<Vector>& point_grad = work_->point_grad;
  point_grad.assign(surface_.vertex_count, Vector{});
  for (int64_t t = 0; t < surface_.triangles.count; ++t) {
    const Face face(surface_, work_->points, t);
    const Vector grad = Length(face.cross).Backward(face_normals[t], face_grad[t]);
    // Of e1 x e2.
    const Vector grad1 = Cross(face.e2, grad), grad2 = Cross(grad, face.e1);
    point_grad[surface_.triangles.corner[0][t]] += grad1;
    point_grad[surface_.triangles.corner[1][t]] += grad2 - grad1;
    point_grad[surface_.triangles.corner[2][t]] -= grad2;
  }
  for (int64_t v = 0; v < surface_.vertex_count; ++v) {
    for (int c = 0; c < 3; ++c) vertex_grad[3 * v + c] = point_grad[v][c];
  }
}

}  // namespace mesh_renderer
