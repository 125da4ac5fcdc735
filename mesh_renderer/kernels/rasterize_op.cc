// MeshRasterize: the visible triangle of every pixel of a batch of images. Not differentiable: what is seen
// jumps; MeshInterpolate and MeshBarycentrics carry the derivatives.
#include "rasterize.h"

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

REGISTER_OP("MeshRasterize")
    .Input("vertices: float32")
    .Input("triangles: int32")
    .Input("roles: uint8")
    .Attr("image_width: int >= 1")
    .Attr("image_height: int >= 1")
    .Attr("top_down: bool = false")
    .Attr("with_region: bool = false")
    .Output("triangle_ids: int32")
    .Output("z_buffer: float32")
    .Output("mask: float32")
    .Output("region_mask: float32")
    .SetShapeFn([](InferenceContext* c) {
      ShapeHandle vertices, triangles, roles;
      DimensionHandle width;
      TF_RETURN_IF_ERROR(c->WithRank(c->input(0), 3, &vertices));
      TF_RETURN_IF_ERROR(c->WithValue(c->Dim(vertices, 2), 4, &width));
      TF_RETURN_IF_ERROR(c->WithRank(c->input(1), 2, &triangles));
      TF_RETURN_IF_ERROR(c->WithValue(c->Dim(triangles, 1), 3, &width));
      TF_RETURN_IF_ERROR(c->WithRank(c->input(2), 1, &roles));
      tensorflow::int32 image_width, image_height;
      TF_RETURN_IF_ERROR(c->GetAttr("image_width", &image_width));
      TF_RETURN_IF_ERROR(c->GetAttr("image_height", &image_height));
      const ShapeHandle image = c->MakeShape({c->Dim(vertices, 0), image_height, image_width});
      for (int i = 0; i < 3; ++i) c->set_output(i, image);
      bool with_region;
      TF_RETURN_IF_ERROR(c->GetAttr("with_region", &with_region));
      c->set_output(3, with_region ? image : c->MakeShape({c->Dim(vertices, 0), 0, 0}));
      return StatusType();
    })
    .Doc("Visible triangles of a batch of meshes; see mesh_renderer/rasterize_triangles.py.");

class MeshRasterizeOp : public OpKernel {
 public:
  explicit MeshRasterizeOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("image_width", &width_));
    OP_REQUIRES_OK(context, context->GetAttr("image_height", &height_));
    OP_REQUIRES(context, width_ <= kLargestSize && height_ <= kLargestSize,
                InvalidArgument("image_width, image_height: expected at most ", kLargestSize, ", got ", width_,
                                ", ", height_));
    OP_REQUIRES_OK(context, context->GetAttr("top_down", &top_down_));
    OP_REQUIRES_OK(context, context->GetAttr("with_region", &with_region_));
  }

  void Compute(OpKernelContext* context) override {
    MeshInput mesh;
    OP_REQUIRES_OK(context, mesh.Read(context));
    const Tensor* roles;
    OP_REQUIRES_OK(context, context->input("roles", &roles));
    OP_REQUIRES_OK(context, CheckShape(*roles, "roles", TensorShape({with_region_ ? mesh.triangles().count : 0})));

    const int64_t batch = mesh.batch(), pixels = static_cast<int64_t>(width_) * height_;
    const TensorShape image_shape({batch, height_, width_});
    Tensor *triangle_ids, *z_buffer, *mask, *region_mask, screen_boxes;
    OP_REQUIRES_OK(context, context->allocate_output(0, image_shape, &triangle_ids));
    OP_REQUIRES_OK(context, context->allocate_output(1, image_shape, &z_buffer));
    OP_REQUIRES_OK(context, context->allocate_output(2, image_shape, &mask));
    OP_REQUIRES_OK(context, context->allocate_output(
                                3, with_region_ ? image_shape : TensorShape({batch, 0, 0}), &region_mask));
    static_assert(sizeof(ScreenBox) == sizeof(tensorflow::int64), "a ScreenBox is kept as an int64");
    const int64_t vertices = mesh.vertex_count();
    OP_REQUIRES_OK(context, context->allocate_temp(tensorflow::DT_INT64, TensorShape({batch, vertices}),
                                                   &screen_boxes));
    if (batch == 0) return;

    ScreenBox* boxes = reinterpret_cast<ScreenBox*>(screen_boxes.flat<tensorflow::int64>().data());
    ParallelFor(context, batch * vertices, 1, [&](int64_t begin, int64_t end) {
      ProjectVertices(mesh.vertices(0), begin, end, width_, height_, boxes);
    });

    // Whole images where they occupy the threads evenly, else bands of images.
    const int threads = ThreadCount(context);
    const bool whole = batch % threads == 0 || batch >= 4 * threads;
    const int64_t bands = whole ? 1 : std::min<int64_t>((2 * threads + batch - 1) / batch, height_);
    const int64_t cost = (10 * mesh.triangles().count + 5 * pixels) / bands + 1;
    ParallelFor(context, batch * bands, cost, [&](int64_t begin, int64_t end) {
      for (int64_t unit = begin; unit < end; ++unit) {
        const int64_t image = unit / bands, band = unit % bands;
        const RasterScene scene = {mesh.vertices(image), mesh.vertex_count(), mesh.triangles(),
                                   with_region_ ? roles->flat<tensorflow::uint8>().data() : nullptr,
                                   width_, height_, top_down_};
        const RasterImage out = {
            triangle_ids->flat<tensorflow::int32>().data() + image * pixels,
            z_buffer->flat<float>().data() + image * pixels, mask->flat<float>().data() + image * pixels,
            with_region_ ? region_mask->flat<float>().data() + image * pixels : nullptr};
        RasterizeBand(scene, boxes + image * vertices, static_cast<int>(height_ * band / bands),
                      static_cast<int>(height_ * (band + 1) / bands), out);
      }
    });
  }

 private:
  int width_, height_;
  bool top_down_, with_region_;
};

REGISTER_KERNEL_BUILDER(Name("MeshRasterize").Device(DEVICE_CPU), MeshRasterizeOp);

}  // namespace mesh_renderer
