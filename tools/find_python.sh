#!/bin/sh
# Prints "TF PYTHON": which TensorFlow (1 or 2) to set up and the Python that runs it.
#   tools/find_python.sh [TF] [PYTHON]     both may be empty: TensorFlow 1.15 where there is a Python 3.7
# A Python counts only if it runs: a version manager's shim of the right name may be on the PATH and fail.
wanted=$1
given=$2
# The Pythons that run TensorFlow 1.15 and the current one, the preferred first; doctor/machine_checks.py knows them too.
pythons_1='3.7'
pythons_2='3.12 3.11 3.13 3.10 3.9'

version() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null </dev/null
}

first_that_runs() {  # first_that_runs 3.7
    for candidate in "python$1" "$HOME"/.pyenv/versions/"$1"*/bin/python "/usr/local/bin/python$1" \
            "/usr/bin/python$1" "/opt/python$1/bin/python$1" python3 python; do
        path=$(command -v "$candidate" 2>/dev/null) || continue
        if [ "$(version "$path")" = "$1" ]; then
            echo "$path"
            return 0
        fi
    done
    return 1
}

tensorflow_for() {
    case " $pythons_1 " in *" $1 "*) echo 1; return ;; esac
    case " $pythons_2 " in *" $1 "*) echo 2; return ;; esac
    return 1
}

fail() {
    echo "make: $*" >&2
    exit 1
}

if [ -n "$given" ]; then
    path=$(command -v "$given" 2>/dev/null) || fail "PYTHON=$given: expected a Python that runs, got no such program"
    found=$(version "$path")
    [ -n "$found" ] || fail "PYTHON=$given: expected a Python that runs, but it fails; try: $path --version"
    tf=$(tensorflow_for "$found") || fail "PYTHON=$given is Python $found; expected 3.7 (TensorFlow 1.15) or 3.9 to 3.13 (current TensorFlow)"
    [ -z "$wanted" ] || [ "$wanted" = "$tf" ] || fail "PYTHON=$given is Python $found, which cannot run TF=$wanted; leave out TF= or PYTHON="
    echo "$tf $path"
    exit 0
fi

case $wanted in
    1|'') path=$(first_that_runs $pythons_1) && { echo "1 $path"; exit 0; } ;;
    2) ;;
    *) fail "TF=$wanted: expected 1 (TensorFlow 1.15) or 2 (current TensorFlow)" ;;
esac
if [ "$wanted" = 1 ]; then
    fail "no Python 3.7 that runs was found on the PATH or in ~/.pyenv/versions; install one (pyenv install 3.7), name one with PYTHON=/path/to/python3.7, or type: make TF=2 ..."
fi
for candidate in $pythons_2; do
    path=$(first_that_runs $candidate) && { echo "2 $path"; exit 0; }
done
fail "no Python 3.7 (for TensorFlow 1.15) and none of 3.9 to 3.13 (for current TensorFlow) was found; install one, or name it with PYTHON=/path/to/python"
