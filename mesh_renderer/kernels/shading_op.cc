// MeshVertexNormals, MeshShade and their gradients: what the pixels will show, at the vertices. Python
// registers the gradients.
#include "harmonics.h"
#include "op_inputs.h"
#include "tensorflow/core/framework/op.h"
#include "vertex_normals.h"

namespace mesh_renderer {

using tensorflow::DEVICE_CPU;
using tensorflow::OpKernel;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;
using tensorflow::errors::InvalidArgument;
using tensorflow::shape_inference::InferenceContext;

namespace {

// Output `i` has the shape of input `i`.
template <int kOutputs>
StatusType LikeInputs(InferenceContext* c) {
  for (int i = 0; i < kOutputs; ++i) c->set_output(i, c->input(i));
  return StatusType();
}

}  // namespace

REGISTER_OP("MeshVertexNormals")
    .Input("vertices: float32")
    .Input("triangles: int32")
    .Input("vertex_faces: int32")
    .Output("normals: float32")
    .SetShapeFn(LikeInputs<1>)
    .Doc("Unit normals of the vertices of a batch of meshes; see mesh_renderer/geometry.py.");

 

REGISTER_OP("MeshVertexNormalsGrad")
    .Input("vertices: float32")
    .Input("triangles: int32")
    .Input("vertex_faces: int32")
    .Input("normals_grad: float32")
    .Output("vertices_grad: float32")
    .SetShapeFn(LikeInputs<1>)
    .Doc("Gradient of MeshVertexNormals.");

REGISTER_OP("MeshShade")
    .Input("albedo: float32")
    .Input("normals: float32")
    .Input("lights: float32")
    .Output("colors: float32")
    .SetShapeFn(LikeInputs<1>)
    .Doc("Albedo under spherical-harmonics light; see mesh_renderer/shading.py.");

 

REGISTER_OP("MeshShadeGrad")
    .Input("albedo: float32")
    .Input("normals: float32")
    .Input("lights: float32")
    .Input("colors_grad: float32")
    .Output("albedo_grad: float32")
    .Output("normals_grad: float32")
    .Output("lights_grad: float32")
    .SetShapeFn(LikeInputs<3>)
    .Doc("Gradient of MeshShade.");

class VertexNormalsOp : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    const bool backward = context->num_inputs() == 4;
    MeshInput mesh;
    OP_REQUIRES_OK(context, mesh.Read(context, 3));
    const Tensor& faces = context->input(2);
    const int64_t vertices = mesh.vertex_count(), triangles = mesh.triangles().count;
    OP_REQUIRES(context, faces.dims() == 2 && faces.dim_size(0) == vertices,
                InvalidArgument("vertex_faces: expected shape [", vertices, ", faces], got ",
                                faces.shape().DebugString()));
    const auto ids = faces.flat<tensorflow::int32>();
    for (int64_t i = 0; i < ids.size(); ++i) {
      OP_REQUIRES(context, ids(i) >= 0 && ids(i) <= triangles,
                  InvalidArgument("vertex_faces[", i / faces.dim_size(1), ", ", i % faces.dim_size(1),
                                  "]: expected a triangle index in [0, ", triangles, "], got ", ids(i)));
    }
    if (backward) OP_REQUIRES_OK(context, CheckShape(context->input(3), "normals_grad", context->input(0).shape()));

    Tensor* output;
    OP_REQUIRES_OK(context, context->allocate_output(0, context->input(0).shape(), &output));
    const Surface surface = {vertices, mesh.triangles(), ids.data(), static_cast<int>(faces.dim_size(1))};
    const float* grad = backward ? context->input(3).flat<float>().data() : nullptr;
    float* out = output->flat<float>().data();
    ParallelFor(context, mesh.batch(), 10 * (triangles + vertices) + 1, [&](int64_t begin, int64_t end) {
      VertexNormals normals(surface);
      for (int64_t image = begin; image < end; ++image) {
        const int64_t first = image * vertices * 3;
        if (backward) {
          normals.Backward(mesh.vertices(image), grad + first, out + first);
        } else {
          normals.Forward(mesh.vertices(image), out + first);
        }
      }
    });
  }
};

class ShadeOp : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    const bool backward = context->num_inputs() == 4;
    const Tensor &albedo = context->input(0), &normals = context->input(1), &lights = context->input(2);
    OP_REQUIRES(context, albedo.dims() == 3 && albedo.dim_size(2) == 3,
                InvalidArgument("albedo: expected shape [batch, vertices, 3], got ", albedo.shape().DebugString()));
    const int64_t batch = albedo.dim_size(0), count = albedo.dim_size(1);
    OP_REQUIRES_OK(context, CheckShape(normals, "normals", albedo.shape()));
    OP_REQUIRES_OK(context, CheckShape(lights, "lights", TensorShape({batch, 3, kHarmonics})));
    if (backward) OP_REQUIRES_OK(context, CheckShape(context->input(3), "colors_grad", albedo.shape()));

    float* out[3] = {};
    for (int i = 0; i < context->num_outputs(); ++i) {
      Tensor* output;
      OP_REQUIRES_OK(context, context->allocate_output(i, context->input(i).shape(), &output));
      out[i] = output->flat<float>().data();
    }
    const float *a = albedo.flat<float>().data(), *n = normals.flat<float>().data();
    const float* l = lights.flat<float>().data();
    const float* grad = backward ? context->input(3).flat<float>().data() : nullptr;
    ParallelFor(context, batch, 5 * count + 1, [&](int64_t begin, int64_t end) {
      for (int64_t image = begin; image < end; ++image) {
        const int64_t first = image * count * 3, light = image * 3 * kHarmonics;
        if (backward) {
          ShadeGrad(a + first, n + first, l + light, grad + first, count, out[0] + first, out[1] + first,
                    out[2] + light);
        } else {
          Shade(a + first, n + first, l + light, count, out[0] + first);
        }
      }
    });
  }
};

REGISTER_KERNEL_BUILDER(Name("MeshVertexNormals").Device(DEVICE_CPU), VertexNormalsOp);
REGISTER_KERNEL_BUILDER(Name("MeshVertexNormalsGrad").Device(DEVICE_CPU), VertexNormalsOp);
REGISTER_KERNEL_BUILDER(Name("MeshShade").Device(DEVICE_CPU), ShadeOp);
REGISTER_KERNEL_BUILDER(Name("MeshShadeGrad").Device(DEVICE_CPU), ShadeOp);

}  // namespace mesh_renderer
