// Checks and conversions that the ops share. Every message names the tensor, what was expected and what it got.
#ifndef MESH_RENDERER_KERNELS_OP_INPUTS_H_
#define MESH_RENDERER_KERNELS_OP_INPUTS_H_

#include <cstdint>

#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/shape_inference.h"
#include "tensorflow/core/util/work_sharder.h"
#include "triangle.h"

namespace mesh_renderer {

using StatusType = decltype(tensorflow::errors::InvalidArgument(""));

// vertices [B, V, width] and triangles [T, 3], the triangles checked and laid out corner by corner.
class MeshInput {
 public:
  // Returns OK or says what is wrong with the inputs "vertices" and "triangles" of `context`. `width`: 3, or 4
  // for clip space.
  StatusType Read(tensorflow::OpKernelContext* context, int width = 4);

  int64_t batch() const { return batch_; }
  int64_t vertex_count() const { return vertex_count_; }
  const float* vertices(int64_t image) const { return vertices_ + image * vertex_count_ * width_; }
  const Triangles& triangles() const { return triangles_; }

 private:
  int64_t batch_ = 0, vertex_count_ = 0, width_ = 4;
  const float* vertices_ = nullptr;
  tensorflow::Tensor corners_;
  Triangles triangles_;
};

// Returns OK if `tensor` has the shape `expected`.
StatusType CheckShape(const tensorflow::Tensor& tensor, const char* name,
                      const tensorflow::TensorShape& expected);

// Returns OK if `ids` is [batch, height, width] with entries in [-1, triangle_count).
StatusType CheckTriangleIds(const tensorflow::Tensor& ids, int64_t batch, int64_t height, int64_t width,
                            int64_t triangle_count);

// Runs work(begin, end) over [0, total) on TensorFlow's own intra-op threads. `cost`: nanoseconds of one unit.
template <typename Work>
void ParallelFor(tensorflow::OpKernelContext* context, int64_t total, int64_t cost, const Work& work) {
  const auto* pool = context->device()->tensorflow_cpu_worker_threads();
  tensorflow::Shard(pool->num_threads, pool->workers, total, cost, work);
}

inline int ThreadCount(tensorflow::OpKernelContext* context) {
  return context->device()->tensorflow_cpu_worker_threads()->num_threads;
}

}  // namespace mesh_renderer

#endif  // MESH_RENDERER_KERNELS_OP_INPUTS_H_
