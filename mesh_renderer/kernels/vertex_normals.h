// Normals of the vertices of a mesh and their derivative.
#ifndef MESH_RENDERER_KERNELS_VERTEX_NORMALS_H_
#define MESH_RENDERER_KERNELS_VERTEX_NORMALS_H_

#include <cstdint>
#include <memory>

#include "triangle.h"

namespace mesh_renderer {

// `faces` [vertex_count, ring]: the triangles around each vertex; triangles.count stands for none.
struct Surface {
  int64_t vertex_count;
  Triangles triangles;
  const int32_t* faces;
  int ring;
};

// For one mesh after another on the same surface, so that the working memory is reused.
class VertexNormals {
 public:
  explicit VertexNormals(const Surface& surface);
  ~VertexNormals();

  // normals [vertex_count, 3] of vertices [vertex_count, 3]: the normalised sum of the unit normals of the
  // triangles in `faces`, (v0 - v1) x (v1 - v2) each. A vector x is normalised as x / sqrt(max(x.x, 1e-12)).
  void Forward(const float* vertices, float* normals);

  // Writes the gradient `vertex_grad` [vertex_count, 3] for `normal_grad` [vertex_count, 3].
  void Backward(const float* vertices, const float* normal_grad, float* vertex_grad);

 private:
  struct Work;
  const Surface surface_;
  std::unique_ptr<Work> work_;
};

}  // namespace mesh_renderer

#endif  // MESH_RENDERER_KERNELS_VERTEX_NORMALS_H_
