#include "op_inputs.h"

#include <algorithm>

namespace mesh_renderer {

using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;
using tensorflow::errors::InvalidArgument;

StatusType MeshInput::Read(OpKernelContext* context, int width) {
  const Tensor *vertices, *triangles;
  TF_RETURN_IF_ERROR(context->input("vertices", &vertices));
  TF_RETURN_IF_ERROR(context->input("triangles", &triangles));
  if (vertices->dims() != 3 || vertices->dim_size(2) != width) {
    return InvalidArgument(width == 4 ? "clip_space_vertices" : "vertices", ": expected shape [batch, vertices, ",
                           width, "], got ", vertices->shape().DebugString());
  }
  if (triangles->dims() != 2 || triangles->dim_size(1) != 3) {
    return InvalidArgument("triangles: expected shape [triangles, 3], got ",
                           triangles->shape().DebugString());
  }
  width_ = width;
  batch_ = vertices->dim_size(0);
  vertex_count_ = vertices->dim_size(1);
  vertices_ = vertices->flat<float>().data();

  const int64_t count = triangles->dim_size(0);
  TF_RETURN_IF_ERROR(context->allocate_temp(tensorflow::DT_INT32, TensorShape({3, count}), &corners_));
  const int32_t* source = triangles->flat<tensorflow::int32>().data();
  int32_t* corners = corners_.flat<tensorflow::int32>().data();
  const int32_t limit = static_cast<int32_t>(std::min<int64_t>(vertex_count_, INT32_MAX));
  bool in_range = true;
  for (int k = 0; k < 3; ++k) {
    int32_t* corner = corners + k * count;
    bool row_in_range = true;
    for (int64_t t = 0; t < count; ++t) {
      corner[t] = source[3 * t + k];
      row_in_range &= (corner[t] >= 0) & (corner[t] < limit);
    }
    in_range &= row_in_range;
    triangles_.corner[k] = corner;
  }
  triangles_.count = count;
  if (!in_range) {
    for (int64_t i = 0; i < 3 * count; ++i) {
      if (source[i] < 0 || source[i] >= limit) {
        return InvalidArgument("triangles[", i / 3, ", ", i % 3, "]: expected a vertex index in [0, ",
                               vertex_count_, "), got ", source[i]);
      }
    }
  }
  return StatusType();
}

StatusType CheckShape(const Tensor& tensor, const char* name, const TensorShape& expected) {
  if (tensor.shape() == expected) return StatusType();
  return InvalidArgument(name, ": expected shape ", expected.DebugString(), ", got ",
                         tensor.shape().DebugString());
}

StatusType CheckTriangleIds(const Tensor& ids, int64_t batch, int64_t height, int64_t width,
                            int64_t triangle_count) {
  TF_RETURN_IF_ERROR(CheckShape(ids, "triangle_ids", TensorShape({batch, height, width})));
  const int32_t* values = ids.flat<tensorflow::int32>().data();
  const int64_t count = ids.NumElements();
  int32_t low = -1, high = -1;
  for (int64_t i = 0; i < count; ++i) {
    low = values[i] < low ? values[i] : low;
    high = values[i] > high ? values[i] : high;
  }
  if (low < -1 || high >= triangle_count) {
    return InvalidArgument("triangle_ids: expected values in [-1, ", triangle_count, "), got ",
                           low < -1 ? low : high);
  }
  return StatusType();
}

}  // namespace mesh_renderer
