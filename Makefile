# Every habit has a target; `make help` lists them. Nothing here needs Bazel, CUDA or root.
#
#   PYTHON=/path/to/python   use this Python (3.7: TensorFlow 1.15; 3.9 - 3.13: current TensorFlow)
#   TF=1 or TF=2             use TensorFlow 1.15 or the current one; by default 1.15 where a Python 3.7 runs
#   TF=system                use the TensorFlow that PYTHON (python3) has already, as in NVIDIA's containers
#   PORTABLE=1               (with kernel) a renderer that runs on any x86-64, not only on this machine's processor
#   JOBS=2                   processes that run the tests side by side, about 4 GB of memory each; 0: none beside pytest itself
#   ARGS="..."               passed on to demo.py, train.py, pytest

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup kernel demo doctor test test-all open-model train-smoke open-weights-smoke bench kernel-asan lint clean
.DELETE_ON_ERROR:

# Asked only by targets that need a Python, once; fails with one line that says what is missing.
found = $(eval found := $$(shell sh tools/find_python.sh '$(TF)' '$(PYTHON)' || echo none))$(found)
tf = $(firstword $(found))
venv_1 = .venv
venv_2 = .venv-tf2
venv_system = .venv-system
run = $(venv_$(tf))/bin/python
JOBS = 2
pytest = $(run) -m pytest -n $(JOBS) --dist loadfile

help: ## list these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

setup: ## make the virtual environment and compile the renderer; every target that needs them does this itself
	@$(checked)
	@sh tools/setup.sh '$(found)' run

kernel: ## compile the renderer's kernel for the installed TensorFlow (PORTABLE=1: for any x86-64)
	@$(checked)
	@sh tools/setup.sh '$(found)' packages
	@$(run) -m mesh_renderer.kernels.build $(if $(PORTABLE),--portable)

demo: setup ## reconstruct the photos in input/ (NASA's portrait of an astronaut where it is empty) into output/
	@$(run) tools/sample_photo.py input
	@$(run) demo.py $(ARGS)

doctor: ## say what the program has, what is wrong with it and what to do; works with nothing installed
	@for python in $(if $(TF),$(venv_$(TF))/bin/python) $(foreach v,$(venv_1) $(venv_2) $(venv_system),$(v)/bin/python) $(PYTHON) python3; do \
		if "$$python" -c '' 2>/dev/null; then exec "$$python" -m Deep3DFaceReconstruction.doctor $(ARGS); fi; \
	done; echo 'make doctor: expected a Python 3.7 or newer, found none' >&2; exit 1

test: setup ## run all tests; with TF=2 or TF=system, the quick part of them
	@sh tools/setup.sh '$(found)' develop
	@$(pytest) $(if $(filter 1,$(tf)),,-m 'not slow') $(ARGS)

test-all: setup ## run all tests on either TensorFlow
	@sh tools/setup.sh '$(found)' develop
	@$(pytest) $(ARGS)

open-model: setup ## build BFM/open_model.npz again from MakeHuman's assets (fetched with npm) and draw its images
	@$(run) -m tools.open_model $(ARGS)
	@$(run) tools/pictures/open_model.py

train-smoke: setup ## train on synthetic images from scratch, print the losses, export, run the demo (10 minutes)
	@$(run) tools/train_smoke.py $(ARGS)

open-weights-smoke: setup ## the commands of docs/open_weights.md at a small scale, down to a network and its error (10 minutes)
	@$(run) tools/open_weights_smoke.py $(ARGS)

bench: setup ## measure the demo, its outputs, the renderer, the data and a training step
	@$(run) benchmarks/demo.py
	@$(run) benchmarks/render.py
	@$(run) benchmarks/data.py
	@$(run) benchmarks/outputs.py
	@$(run) benchmarks/train_step.py

kernel-asan: ## run the renderer's plain C++ under AddressSanitizer over random and malicious meshes
	@$(checked)
	@sh tools/setup.sh '$(found)' packages
	@$(run) -m mesh_renderer.kernels.check_memory

lint: setup ## check the code's style
	@sh tools/setup.sh '$(found)' develop
	@$(run) -m ruff check .

clean: ## remove what was built (environments, kernels, caches); photos, results and weights stay
	rm -rf .venv .venv-tf2 .venv-system build *.egg-info mesh_renderer/kernels/*.so mesh_renderer/kernels/*.so.stamp mesh_renderer/kernels/.compiling BFM/*.cache.npy BFM/open_model_front.mat \
		.pytest_cache .hypothesis .ruff_cache tests/failures
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

checked = test '$(found)' != none
