#!/bin/sh
# Makes the virtual environment, step by step, each only when what it depends on has changed.
#   tools/setup.sh "TF PYTHON" packages|run|develop
#     packages: what the program imports;  run: and the renderer's kernel;  develop: and what tests need
set -eu
tf=${1%% *}
python=${1#* }
step=$2
case $tf in
    1) venv=.venv requirements=requirements.txt ;;
    2) venv=.venv-tf2 requirements=requirements-tf2.txt ;;
esac

say() {
    echo "setup: $*"
}

fail() {
    echo "setup: $*" >&2
    exit 1
}

install() {  # install REQUIREMENTS STAMP [PIP_OPTION...]
    file=$1 installed=$venv/$2
    shift 2
    if [ -f "$installed" ] && cmp -s "$file" "$installed"; then
        return 0
    fi
    if grep -q '^[^#]' "$file"; then
        say "installing $file into $venv (a few minutes the first time)"
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input "$@" -r "$file" \
            >"$venv/pip.log" 2>&1 || { tail -n 5 "$venv/pip.log" >&2
            fail "pip could not install $file (all it said: $venv/pip.log); type make again once that is mended"; }
    fi
    cp "$file" "$installed"
}

command -v g++ >/dev/null 2>&1 || fail "no C++ compiler: expected g++ on the PATH, found none; on Debian or Ubuntu type: apt-get install g++"
if ! "$venv/bin/python" -c '' 2>/dev/null; then
    say "making $venv with $python"
    rm -rf "$venv"
    "$python" -m venv "$venv" >/dev/null 2>&1 ||
        { rm -rf "$venv"; fail "$python cannot make a virtual environment; on Debian or Ubuntu type: apt-get install python3-venv"; }
    # Pips older than this do not know today's wheels.
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --upgrade 'pip>=21' wheel \
        >"$venv/pip.log" 2>&1 || { tail -n 5 "$venv/pip.log" >&2; rm -rf "$venv"; fail "pip could not be brought up to date"; }
fi
install "$requirements" installed.txt
install requirements-nodeps.txt installed-nodeps.txt --no-deps
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
