# The program on TensorFlow 1.15 and the CPU. For today's GPUs: Dockerfile.nvidia.
#   docker build -t deep3d .
#   docker run --rm -v "$PWD/input:/app/input" -v "$PWD/output:/app/output" deep3d
#   docker run --rm -it -v "$PWD:/work" deep3d .venv/bin/python train.py -h
ARG BASE=python:3.7-slim-bookworm
FROM ${BASE}
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends g++ make && rm -rf /var/lib/apt/lists/*
WORKDIR /app
ENV PIP_NO_CACHE_DIR=1
# What takes minutes changes seldom: a layer of its own.
COPY Makefile requirements*.txt ./
COPY tools/ tools/
COPY mesh_renderer/ mesh_renderer/
RUN make kernel PORTABLE=1 PYTHON=python3
COPY . .
# Leaves the model's cache in the image, where another user cannot write it.
RUN .venv/bin/python -c "from Deep3DFaceReconstruction import face_model; face_model.load_face_model()"
CMD [".venv/bin/python", "demo.py"]
