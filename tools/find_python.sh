#!/bin/sh
# Prints "TF PYTHON": which TensorFlow (1, 2 or system) to set up and the Python that runs it.
#   tools/find_python.sh [TF] [PYTHON]     both may be empty: TensorFlow 1.15 where there is a Python 3.7
# A Python counts only if it runs: a version manager's shim of the right name may be on the PATH and fail.
wanted=$1
given=$2
# The Pythons for TensorFlow 1.15 and for the current one, the preferred first, and those for which make sets up none:
# they need one of their own (TF=system). doctor/machine_checks.py knows them too.
pythons_1='3.7'
pythons_2='3.12 3.11 3.13 3.10 3.9'
pythons_0='3.8'

version() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null </dev/null
}

first_that_runs() {  # first_that_runs 3.7
    for candidate in "python$1" "$HOME"/.pyenv/versions/"$1".*/bin/python "/usr/local/bin/python$1" \
            "/usr/bin/python$1" "/opt/python$1/bin/python$1" python3 python; do
        path=$(command -v "$candidate" 2>/dev/null) || continue
        if [ "$(version "$path")" = "$1" ]; then
            echo "$path"
            return 0
        fi
    done
    return 1
}

tensorflow_for() {  # tensorflow_for 3.7: 1, 2 or 0; nothing where the program does not run on it
    for tensorflow in 1 2 0; do
        eval "pythons=\$pythons_$tensorflow"
        case " $pythons " in *" $1 "*) echo $tensorflow; return ;; esac
    done
}

fail() {
    echo "make: $*" >&2
    exit 1
}

expected="$pythons_1 (TensorFlow 1.15) or one of $pythons_2 (current TensorFlow)"
case $wanted in
    ''|1|2|system) ;;
    *) fail "TF=$wanted: expected 1 (TensorFlow 1.15), 2 (current TensorFlow) or system (the one that the Python has)" ;;
esac
if [ -z "$given" ] && [ "$wanted" = system ]; then
    given=python3
fi

if [ -n "$given" ]; then
    path=$(command -v "$given" 2>/dev/null) || fail "PYTHON=$given: expected a Python that runs, got no such program"
    found=$(version "$path")
    [ -n "$found" ] || fail "PYTHON=$given: expected a Python that runs, but it fails; try: $path --version"
    tf=$(tensorflow_for "$found")
    if [ "$wanted" = system ]; then
        [ -n "$tf" ] || fail "PYTHON=$given is Python $found; expected one of $pythons_1 $pythons_0 $pythons_2"
        "$path" -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("tensorflow") is None)' </dev/null ||
            fail "TF=system: expected a Python with a TensorFlow of its own, but $path has none; name one with PYTHON="
        echo "system $path"
        exit 0
    fi
    case $tf in
        1|2) ;;
        *) fail "PYTHON=$given is Python $found; expected $expected; with a TensorFlow of its own, any takes TF=system" ;;
    esac
    [ -z "$wanted" ] || [ "$wanted" = "$tf" ] || fail "PYTHON=$given is Python $found, which cannot run TF=$wanted; leave out TF= or PYTHON="
    echo "$tf $path"
    exit 0
fi

for tf in ${wanted:-1 2}; do
    eval "pythons=\$pythons_$tf"
    for candidate in $pythons; do
        path=$(first_that_runs "$candidate") && { echo "$tf $path"; exit 0; }
    done
done
if [ "$wanted" = 1 ]; then
    fail "no Python 3.7 that runs was found on the PATH or in ~/.pyenv/versions; install one (pyenv install 3.7), name one with PYTHON=/path/to/python3.7, or type: make TF=2 ..."
fi
fail "found no Python that runs of those expected: $expected; install one, or name it with PYTHON=/path/to/python"
