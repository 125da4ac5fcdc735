"""Accurate 3D face reconstruction with weakly-supervised learning (Deng et al. 2019): the map.

At the door stands the paper, under its published names, with what three rooms or more share:

    conventions, errors, tf1, graph_function, numpy_decoder    numbers, error classes, TensorFlow, the decoder in NumPy
    bounded_steps                                              Gauss-Newton steps under lower bounds
    face_decoder, losses, reconstruction_model                 coefficients -> face; the hybrid loss; both around R-Net
    set_reconstruction_model                                   the same for image sets, around C-Net
    pictures                                                   what the program draws

Each stage of the data's way has a room, and a room's docstring says what enters and what leaves:

    system       processes, files, command-line options
    photo        a photo -> aligned crops with landmarks and skin attention
    detection    an image -> faces, their landmarks, how sure they are
    meshes       surfaces without a camera: subdivision, registration, .obj
    face_model   files of several kinds -> one checked FaceModel
    networks     R-Net, C-Net, checkpoints, frozen graphs; in identity/ the networks that compare people
    surface      a face model's texture atlas and regions; what of a mesh a photo shows
    heads        the open model's face -> the whole head around it
    exports      a reconstructed face -> files and images
    fitting      a crop with landmarks -> coefficients, without a network
    demo         a folder of photos -> results
    dataset      photos or a face model -> training samples -> batches
    supervision  samples with known coefficients -> losses
    training     samples -> checkpoints, on one machine or many
    evaluation   results and a dataset's truth -> tables and plots
    motion       frames of a clip -> one identity per person; pose, expression and light of each frame, smoothed
    video        a clip -> overlay video, tables, plot
    sets         photos of each person -> one identity and albedo for all of them
    editing      a photo -> the photo and the mesh with another expression, pose, light or makeup
    doctor       what the program has, what is wrong with it, what to do

Imports only go down: scripts > video, sets > training, doctor, evaluation, motion, editing > demo, dataset >
exports, fitting > surface, heads > networks, face_model > photo, meshes, pictures > face_decoder, losses, system >
the rest > mesh_renderer.
tests/test_architecture.py asserts it; docs/architecture.md walks through both ways, from a photo to a mesh and from a
photo to a training step.
"""
