#!/bin/sh
# Makes the virtual environment, step by step, each only when what it depends on has changed.
#   tools/setup.sh "TF PYTHON" packages|run|develop
#     packages: what the program imports;  run: and the renderer's kernel;  develop: and what tests need
# With TF "system", the environment sees the packages of PYTHON; only the rest is installed, and none of them replaced.
set -eu
tf=${1%% *}
python=${1#* }
step=$2
case $tf in
    1) venv=.venv requirements=requirements.txt ;;
    2) venv=.venv-tf2 requirements=requirements-tf2.txt ;;
    system) venv=.venv-system requirements=requirements-any.txt ;;
esac

say() {
    echo "setup: $*"
}

fail() {
    echo "setup: $*" >&2
    exit 1
}

pip() {
    "$venv/bin/python" -m pip "$@" --quiet --disable-pip-version-check --no-input >"$venv/pip.log" 2>&1
}

install() {  # install REQUIREMENTS STAMP [PIP_OPTION...]
    file=$1 installed=$venv/$2
    shift 2
    if [ -f "$installed" ] && cmp -s "$file" "$installed"; then
        return 0
    fi
    if grep -q '^[^#]' "$file"; then
        say "installing $file into $venv (a few minutes the first time)"
        if [ "$tf" = system ]; then
            "$python" tools/constraints.py >"$venv/constraints.txt"
            set -- "$@" -c "$venv/constraints.txt"
        fi
        pip install "$@" -r "$file" || { tail -n 5 "$venv/pip.log" >&2
            fail "pip could not install $file (all it said: $venv/pip.log); type make again once that is mended"; }
    fi
    cp "$file" "$installed"
}

make_venv() {
    if [ "$tf" != system ]; then
        "$python" -m venv "$venv"
        return
    fi
    # The Python of a container often has no ensurepip, but has a pip, which the environment sees.
    "$python" -m venv --without-pip "$venv" &&
        "$python" -c 'import os, sys
for folder in sys.path:
    if os.path.basename(folder) in ("site-packages", "dist-packages"):
        print("import site; site.addsitedir(%r)" % folder)' \
            >"$("$venv/bin/python" -c 'import site; print(site.getsitepackages()[0])')/system.pth" &&
        echo "$python" >"$venv/python.txt" &&
        { "$venv/bin/python" -m pip --version || "$venv/bin/python" -m ensurepip; }
}

usable() {
    "$venv/bin/python" -c '' 2>/dev/null && { [ "$tf" != system ] || [ "$(cat "$venv/python.txt")" = "$python" ]; }
}

command -v g++ >/dev/null 2>&1 || fail "no C++ compiler: expected g++ on the PATH, found none; on Debian or Ubuntu type: apt-get install g++"
if ! usable; then
    say "making $venv with $python"
    rm -rf "$venv"
    make_venv >/dev/null 2>&1 ||
        { rm -rf "$venv"; fail "$python cannot make a virtual environment; on Debian or Ubuntu type: apt-get install python3-venv"; }
    # Pips older than this do not know today's wheels.
    upgrade=
    [ "$tf" = system ] || upgrade=--upgrade
    pip install $upgrade 'pip>=21' wheel ||
        { tail -n 5 "$venv/pip.log" >&2; rm -rf "$venv"; fail "pip could not be brought up to date"; }
fi
install "$requirements" installed.txt
install requirements-nodeps.txt installed-nodeps.txt --no-deps
if ! cmp -s requirements-heif.txt "$venv/installed-heif.txt"; then
    pip install --no-deps -r requirements-heif.txt || say 'pillow-heif cannot be installed here: HEIC photos will not be read'
    cp requirements-heif.txt "$venv/installed-heif.txt"
fi
if [ "$step" = develop ]; then
    install requirements-dev.txt installed-dev.txt
fi
if [ "$step" != packages ]; then
    stamp="$venv/kernel-built"
    newer=$(find mesh_renderer/kernels "$venv/installed.txt" -type f \( -name '*.cc' -o -name '*.h' -o -name '*.py' -o -name 'installed.txt' \) -newer "$stamp" 2>/dev/null || echo first)
    if [ -n "$newer" ] || ! ls mesh_renderer/kernels/*.so >/dev/null 2>&1; then
        "$venv/bin/python" -m mesh_renderer.kernels.build
        touch "$stamp"
    fi
fi
