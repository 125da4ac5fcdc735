// MeshBarycentrics and MeshInterpolate, and their gradients: what the visible triangles (of MeshRasterize)
// show. Python registers the gradients.
#include "interpolate.h"

#include <algorithm>

#include "op_inputs.h"
#include "tensorflow/core/framework/op.h"

namespace mesh_renderer {

using tensorflow::DEVICE_CPU;
using tensorflow::OpKernel;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;
using tensorflow::errors::InvalidArgument;
using tensorflow::shape_inference::DimensionHandle;
using tensorflow::shape_inference::InferenceContext;
using tensorflow::shape_inference::ShapeHandle;

namespace {

StatusType ImageShape(InferenceContext* c, DimensionHandle channels, ShapeHandle* image) {
  ShapeHandle ids;
  const int ids_input = c->num_inputs() > 3 ? 3 : 2;
  TF_RETURN_IF_ERROR(c->WithRank(c->input(ids_input), 3, &ids));
  *image = c->MakeShape({c->Dim(ids, 0), c->Dim(ids, 1), c->Dim(ids, 2), channels});
  return StatusType();
}

}  // namespace

REGISTER_OP("MeshBarycentrics")
    .Input("vertices: float32")
    .Input("triangles: int32")
    .Input("triangle_ids: int32")
    .Attr("top_down: bool = false")
    .Output("barycentrics: float32")
    .SetShapeFn([](InferenceContext* c) {
      ShapeHandle image;
      TF_RETURN_IF_ERROR(ImageShape(c, c->MakeDim(3), &image));
      c->set_output(0, image);
      return StatusType();
    })
    .Doc("Perspective-correct barycentric coordinates of every pixel in its visible triangle.");

REGISTER_OP("MeshBarycentricsGrad")
    .Input("vertices: float32")
    .Input("triangles: int32")
    .Input("triangle_ids: int32")
    .Input("barycentrics_grad: float32")
    .Attr("top_down: bool = false")
    .Output("vertices_grad: float32")
    .SetShapeFn([](InferenceContext* c) {
      c->set_output(0, c->input(0));
      return StatusType();
    })
    .Doc("Gradient of MeshBarycentrics to the vertices.");

REGISTER_OP("MeshInterpolate")
    .Input("vertices: float32")
    .Input("attributes: float32")
    .Input("triangles: int32")
    .Input("triangle_ids: int32")
    .Input("background: float32")
    .Attr("top_down: bool = false")
    .Output("image: float32")
    .SetShapeFn([](InferenceContext* c) {
      ShapeHandle image, attributes;
      TF_RETURN_IF_ERROR(c->WithRank(c->input(1), 3, &attributes));
      TF_RETURN_IF_ERROR(ImageShape(c, c->Dim(attributes, 2), &image));
      c->set_output(0, image);
      return StatusType();
    })
    .Doc("Vertex attributes at every pixel, interpolated over its visible triangle.");

REGISTER_OP("MeshInterpolateGrad")
    .Input("vertices: float32")
    .Input("attributes: float32")
    .Input("triangles: int32")
    .Input("triangle_ids: int32")
    .Input("image_grad: float32")
    .Attr("top_down: bool = false")
    .Output("vertices_grad: float32")
    .Output("attributes_grad: float32")
    .SetShapeFn([](InferenceContext* c) {
      c->set_output(0, c->input(0));
      c->set_output(1, c->input(1));
      return StatusType();
    })
    .Doc("Gradient of MeshInterpolate to the vertices and the attributes.");

// What the four ops share: the mesh, the ids, and the size of the image.
class SeenMeshOp : public OpKernel {
 public:
  explicit SeenMeshOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("top_down", &top_down_));
  }

 protected:
  struct Input {
    MeshInput mesh;
    const int32_t* ids;
    int height, width;
    bool top_down;

    int64_t pixels() const { return static_cast<int64_t>(height) * width; }
    SeenMesh Image(int64_t image) const {
      return {mesh.vertices(image), mesh.vertex_count(), mesh.triangles(), ids + image * pixels(),
              width, height, top_down};
    }
  };

  StatusType Read(OpKernelContext* context, Input* input) const {
    TF_RETURN_IF_ERROR(input->mesh.Read(context));
    const Tensor* ids;
    TF_RETURN_IF_ERROR(context->input("triangle_ids", &ids));
    if (ids->dims() != 3) {
      return InvalidArgument("triangle_ids: expected shape [batch, height, width], got ",
                             ids->shape().DebugString());
    }
    input->height = static_cast<int>(ids->dim_size(1));
    input->width = static_cast<int>(ids->dim_size(2));
    input->ids = ids->flat<tensorflow::int32>().data();
    input->top_down = top_down_;
    return CheckTriangleIds(*ids, input->mesh.batch(), input->height, input->width,
                            input->mesh.triangles().count);
  }

  StatusType ReadAttributes(OpKernelContext* context, const Input& input, const Tensor** attributes) const {
    TF_RETURN_IF_ERROR(context->input("attributes", attributes));
    const TensorShape& shape = (*attributes)->shape();
    if (shape.dims() != 3 || shape.dim_size(0) != input.mesh.batch() ||
        shape.dim_size(1) != input.mesh.vertex_count()) {
      return InvalidArgument("attributes: expected shape [", input.mesh.batch(), ", ",
                             input.mesh.vertex_count(), ", channels], got ", shape.DebugString());
    }
    return StatusType();
  }

  // Runs work(image, row_begin, row_end) over all rows of all images.
  template <typename Work>
  static void ForRows(OpKernelContext* context, const Input& input, const Work& work) {
    const int64_t height = input.height;
    ParallelFor(context, input.mesh.batch() * height, 5 * input.width, [&](int64_t begin, int64_t end) {
      while (begin < end) {
        const int64_t image = begin / height, stop = std::min(end, (image + 1) * height);
        work(image, static_cast<int>(begin - image * height), static_cast<int>(stop - image * height));
        begin = stop;
      }
    });
  }

  // Cuts the vertices of each image among the threads where there are more threads than images.
  template <typename Work>
  static void ForVertexRanges(OpKernelContext* context, const Input& input, const Work& work) {
    const int64_t batch = input.mesh.batch(), vertices = input.mesh.vertex_count();
    const int threads = ThreadCount(context);
    const bool whole = batch % threads == 0 || batch >= 4 * threads;
    const int64_t parts = whole || batch == 0 ? 1 : std::min<int64_t>((2 * threads + batch - 1) / batch, 64);
    ParallelFor(context, batch * parts, 20 * input.pixels() / parts + 1, [&](int64_t begin, int64_t end) {
      for (int64_t unit = begin; unit < end; ++unit) {
        const int64_t part = unit % parts;
        work(unit / parts, vertices * part / parts, vertices * (part + 1) / parts);
      }
    });
  }

 private:
  bool top_down_;
};

class MeshBarycentricsOp : public SeenMeshOp {
 public:
  using SeenMeshOp::SeenMeshOp;

  void Compute(OpKernelContext* context) override {
    Input input;
    OP_REQUIRES_OK(context, Read(context, &input));
    const TensorShape shape({input.mesh.batch(), input.height, input.width, 3});
    Tensor* barycentrics;
    OP_REQUIRES_OK(context, context->allocate_output(0, shape, &barycentrics));
    float* out = barycentrics->flat<float>().data();
    ForRows(context, input, [&](int64_t image, int row_begin, int row_end) {
      BarycentricRows(input.Image(image), row_begin, row_end, out + image * input.pixels() * 3);
    });
  }
};

class MeshBarycentricsGradOp : public SeenMeshOp {
 public:
  using SeenMeshOp::SeenMeshOp;

  void Compute(OpKernelContext* context) override {
    Input input;
    OP_REQUIRES_OK(context, Read(context, &input));
    const Tensor* grad;
    OP_REQUIRES_OK(context, context->input("barycentrics_grad", &grad));
    const TensorShape expected({input.mesh.batch(), input.height, input.width, 3});
    OP_REQUIRES_OK(context, CheckShape(*grad, "barycentrics_grad", expected));
    Tensor* vertices_grad;
    OP_REQUIRES_OK(context, context->allocate_output(0, context->input(0).shape(), &vertices_grad));
    float* out = vertices_grad->flat<float>().data();
    const float* in = grad->flat<float>().data();
    const int64_t vertices = input.mesh.vertex_count();
    ForVertexRanges(context, input, [&](int64_t image, int64_t begin, int64_t end) {
      float* image_out = out + image * vertices * 4;
      std::fill(image_out + 4 * begin, image_out + 4 * end, 0.0f);
      BarycentricGrad(input.Image(image), in + image * input.pixels() * 3, begin, end, image_out);
    });
  }
};

class MeshInterpolateOp : public SeenMeshOp {
 public:
  using SeenMeshOp::SeenMeshOp;

  void Compute(OpKernelContext* context) override {
    Input input;
    OP_REQUIRES_OK(context, Read(context, &input));
    const Tensor *attributes, *background;
    OP_REQUIRES_OK(context, ReadAttributes(context, input, &attributes));
    OP_REQUIRES_OK(context, context->input("background", &background));
    const int64_t channels = attributes->dim_size(2);
    OP_REQUIRES(context, background->dims() == 1 && background->dim_size(0) == channels,
                InvalidArgument("background_value: expected shape [", channels, "], got ",
                                background->shape().DebugString()));
    const TensorShape shape({input.mesh.batch(), input.height, input.width, channels});
    Tensor* image_tensor;
    OP_REQUIRES_OK(context, context->allocate_output(0, shape, &image_tensor));
    float* out = image_tensor->flat<float>().data();
    const float* in = attributes->flat<float>().data();
    const float* fill = background->flat<float>().data();
    const int64_t vertices = input.mesh.vertex_count();
    ForRows(context, input, [&](int64_t image, int row_begin, int row_end) {
      InterpolateRows(input.Image(image), in + image * vertices * channels, fill, static_cast<int>(channels),
                      row_begin, row_end, out + image * input.pixels() * channels);
    });
  }
};

class MeshInterpolateGradOp : public SeenMeshOp {
 public:
  using SeenMeshOp::SeenMeshOp;

  void Compute(OpKernelContext* context) override {
    Input input;
    OP_REQUIRES_OK(context, Read(context, &input));
    const Tensor *attributes, *grad;
    OP_REQUIRES_OK(context, ReadAttributes(context, input, &attributes));
    OP_REQUIRES_OK(context, context->input("image_grad", &grad));
    const int64_t channels = attributes->dim_size(2);
    const TensorShape expected({input.mesh.batch(), input.height, input.width, channels});
    OP_REQUIRES_OK(context, CheckShape(*grad, "image_grad", expected));
    Tensor *vertices_grad, *attributes_grad;
    OP_REQUIRES_OK(context, context->allocate_output(0, context->input(0).shape(), &vertices_grad));
    OP_REQUIRES_OK(context, context->allocate_output(1, attributes->shape(), &attributes_grad));
    float* vertices_out = vertices_grad->flat<float>().data();
    float* attributes_out = attributes_grad->flat<float>().data();
    const float* in = attributes->flat<float>().data();
    const float* image_grad = grad->flat<float>().data();
    const int64_t vertices = input.mesh.vertex_count();
    ForVertexRanges(context, input, [&](int64_t image, int64_t begin, int64_t end) {
      float* image_vertices = vertices_out + image * vertices * 4;
      float* image_attributes = attributes_out + image * vertices * channels;
      std::fill(image_vertices + 4 * begin, image_vertices + 4 * end, 0.0f);
      std::fill(image_attributes + channels * begin, image_attributes + channels * end, 0.0f);
      InterpolateGrad(input.Image(image), in + image * vertices * channels, static_cast<int>(channels),
                      image_grad + image * input.pixels() * channels, begin, end, image_vertices,
                      image_attributes);
    });
  }
};

REGISTER_KERNEL_BUILDER(Name("MeshBarycentrics").Device(DEVICE_CPU), MeshBarycentricsOp);
REGISTER_KERNEL_BUILDER(Name("MeshBarycentricsGrad").Device(DEVICE_CPU), MeshBarycentricsGradOp);
REGISTER_KERNEL_BUILDER(Name("MeshInterpolate").Device(DEVICE_CPU), MeshInterpolateOp);
REGISTER_KERNEL_BUILDER(Name("MeshInterpolateGrad").Device(DEVICE_CPU), MeshInterpolateGradOp);

}  // namespace mesh_renderer
