"""The C++ ops of mesh_renderer: their sources, how they are built and how they are loaded."""
