// MeshBlend, MeshTransform and its gradient. Python registers the gradients.
#include "geometry.h"

#include "op_inputs.h"
#include "tensorflow/core/framework/op.h"

namespace mesh_renderer {

using tensorflow::DEVICE_CPU;
using tensorflow::OpKernel;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;
using tensorflow::errors::InvalidArgument;
using tensorflow::shape_inference::InferenceContext;
using tensorflow::shape_inference::ShapeHandle;

REGISTER_OP("MeshBlend")
    .Input("mean: float32")
    .Input("basis: float32")
    .Input("coefficients: float32")
    .Output("values: float32")
    .SetShapeFn([](InferenceContext* c) {
      ShapeHandle basis, coefficients;
      TF_RETURN_IF_ERROR(c->WithRank(c->input(1), 2, &basis));
      TF_RETURN_IF_ERROR(c->WithRank(c->input(2), 2, &coefficients));
      c->set_output(0, c->Matrix(c->Dim(coefficients, 0), c->Dim(basis, 0)));
      return StatusType();
    })
    .Doc("A linear model of meshes; see mesh_renderer/geometry.py.");

REGISTER_OP("MeshTransform")
    .Input("points: float32")
    .Input("linear: float32")
    .Input("offset: float32")
    .Output("images: float32")
    .SetShapeFn([](InferenceContext* c) {
      ShapeHandle points, linear;
      TF_RETURN_IF_ERROR(c->WithRank(c->input(0), 3, &points));
      TF_RETURN_IF_ERROR(c->WithRank(c->input(1), 3, &linear));
      c->set_output(0, c->MakeShape({c->Dim(points, 0), c->Dim(points, 1), c->Dim(linear, 2)}));
      return StatusType();
    })
    .Doc("An affine map of the points of each mesh; see mesh_renderer/geometry.py.");

REGISTER_OP("MeshTransformGrad")
    .Input("points: float32")
    .Input("linear: float32")
    .Input("offset: float32")
    .Input("images_grad: float32")
    .Output("points_grad: float32")
    .Output("linear_grad: float32")
    .Output("offset_grad: float32")
    .SetShapeFn([](InferenceContext* c) {
      for (int i = 0; i < 3; ++i) c->set_output(i, c->input(i));
      return StatusType();
    })
    .Doc("Gradient of MeshTransform.");

class BlendOp : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    const Tensor &mean = context->input(0), &basis = context->input(1), &coefficients = context->input(2);
    OP_REQUIRES(context, basis.dims() == 2,
                InvalidArgument("basis: expected shape [values, terms], got ", basis.shape().DebugString()));
    const int64_t size = basis.dim_size(0), terms = basis.dim_size(1);
    OP_REQUIRES(context, coefficients.dims() == 2 && coefficients.dim_size(1) == terms,
                InvalidArgument("coefficients: expected shape [batch, ", terms, "], got ",
                                coefficients.shape().DebugString()));
    OP_REQUIRES_OK(context, CheckShape(mean, "mean", TensorShape({size})));
    const int64_t batch = coefficients.dim_size(0);
    Tensor* values;
    OP_REQUIRES_OK(context, context->allocate_output(0, TensorShape({batch, size}), &values));
    const float *m = mean.flat<float>().data(), *b = basis.flat<float>().data();
    const float* c = coefficients.flat<float>().data();
    float* out = values->flat<float>().data();
    ParallelFor(context, size, terms, [&](int64_t begin, int64_t end) {
      Blend(m, b, c, batch, size, static_cast<int>(terms), begin, end, out);
    });
  }
};

class TransformOp : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    const bool backward = context->num_inputs() == 4;
    const Tensor &points = context->input(0), &linear = context->input(1), &offset = context->input(2);
    OP_REQUIRES(context, points.dims() == 3 && points.dim_size(2) == 3,
                InvalidArgument("points: expected shape [batch, points, 3], got ", points.shape().DebugString()));
    const int64_t batch = points.dim_size(0), count = points.dim_size(1);
    const int64_t width = linear.dims() == 3 ? linear.dim_size(2) : 0;
    OP_REQUIRES(context, (width == 3 || width == 4) && linear.dim_size(0) == batch && linear.dim_size(1) == 3,
                InvalidArgument("linear: expected shape [", batch, ", 3, 3] or [", batch, ", 3, 4], got ",
                                linear.shape().DebugString()));
    OP_REQUIRES_OK(context, CheckShape(offset, "offset", TensorShape({batch, width})));
    const TensorShape image_shape({batch, count, width});
    const float *p = points.flat<float>().data(), *l = linear.flat<float>().data();
    const float* o = offset.flat<float>().data();
    if (!backward) {
      Tensor* images;
      OP_REQUIRES_OK(context, context->allocate_output(0, image_shape, &images));
      float* out = images->flat<float>().data();
      ParallelFor(context, batch, 2 * count + 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          Transform(p + i * count * 3, l + i * 3 * width, o + i * width, static_cast<int>(width), count,
                    out + i * count * width);
        }
      });
      return;
    }
    OP_REQUIRES_OK(context, CheckShape(context->input(3), "images_grad", image_shape));
    const float* g = context->input(3).flat<float>().data();
    float* out[3];
    for (int i = 0; i < 3; ++i) {
      Tensor* output;
      OP_REQUIRES_OK(context, context->allocate_output(i, context->input(i).shape(), &output));
      out[i] = output->flat<float>().data();
    }
    ParallelFor(context, batch, 4 * count + 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        TransformGrad(p + i * count * 3, l + i * 3 * width, g + i * count * width, static_cast<int>(width), count,
                      out[0] + i * count * 3, out[1] + i * 3 * width, out[2] + i * width);
      }
    });
  }
};

REGISTER_KERNEL_BUILDER(Name("MeshBlend").Device(DEVICE_CPU), BlendOp);
REGISTER_KERNEL_BUILDER(Name("MeshTransform").Device(DEVICE_CPU), TransformOp);
REGISTER_KERNEL_BUILDER(Name("MeshTransformGrad").Device(DEVICE_CPU), TransformOp);

}  // namespace mesh_renderer
