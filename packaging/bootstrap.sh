#!/usr/bin/env bash
# Sets everything up on a bare Debian 12 and does one thing with it:
#
#   packaging/bootstrap.sh build   builds into build/: build/bin/{pipebd,pipebd-engine,pipebd-workbench}
#   packaging/bootstrap.sh run     builds, runs the demo on the embedded data and the devices of this machine, prints the result,
#                                  and opens it in the workbench if there is a display
#   packaging/bootstrap.sh test    builds and runs the tests; for those that compare with PyTorch in Python it downloads PyTorch and
#                                  torchvision (once, 5 GB), unless PIPEBD_PYTHON names a Python that has them, or "none"
#
# Missing parts are installed: Debian packages (needs root; otherwise they are listed), and LibTorch from the PyPI wheel into
# ${XDG_CACHE_HOME:-~/.cache}/pipebd, shared by all checkouts. With CMAKE_PREFIX_PATH set to the folder that holds torch/, that
# LibTorch is used instead.
set -euo pipefail

torch_version=2.11.0
python_packages=(torch==$torch_version torchvision==0.26.0 timm==1.0.31 safetensors==0.8.0 numpy pillow)
packages=(
    ca-certificates ccache cmake g++ git ninja-build python3-pip
    libcli11-dev libjpeg62-turbo-dev libpng-dev libqcustomplot-dev libsqlite3-dev libsqlitecpp-dev libssl-dev
    libtomlplusplus-dev nlohmann-json3-dev qt6-base-dev qt6-svg-dev qt6-wayland
)

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pipebd
build=$root/build

say() { printf '%s\n' "$*" >&2; }
fail() {
    say "bootstrap: error: $*"
    exit 1
}

install_packages() {
    local missing=()
    local package
    for package in "${packages[@]}"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    if [ "$(id -u)" -ne 0 ]; then
        say "bootstrap: these Debian packages are missing; install them as root, then run this again:"
        say "    apt-get install --no-install-recommends ${missing[*]}"
        exit 1
    fi
    say "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    dpkg --configure -a >/dev/null # in case an earlier call was cut off
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# The wheels of NVIDIA that torch names for CUDA are 2.7 GB: taken only where there is a GPU. Without one, libtorch_cpu still needs
# the CUDA runtime and CUPTI to load.
wheels() {
    echo "torch==$torch_version"
    if [ -e /dev/nvidiactl ]; then
        echo 'cuda-toolkit[cublas,cudart,cufft,cufile,cupti,curand,cusolver,cusparse,nvjitlink,nvrtc,nvtx]==13.0.2'
        echo 'nvidia-cuda-crt==13.0.88'  # these two: headers that those of the runtime include
        echo 'nvidia-cuda-cccl==13.0.85'
        echo 'nvidia-cudnn-cu13==9.19.0.56'
        echo 'nvidia-cusparselt-cu13==0.8.0'
        echo 'nvidia-nccl-cu13==2.28.9'
        echo 'nvidia-nvshmem-cu13==3.4.5'
    else
        echo 'nvidia-cuda-runtime==13.0.96'
        echo 'nvidia-cuda-cupti==13.0.85'
    fi
}

python_with_pip() {
    python3 -m pip --version >/dev/null 2>&1 && echo python3 || echo /usr/bin/python3
}

fetch() { # requirements... -> $partial
    "$(python_with_pip)" -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-compile --upgrade --only-binary=:all: \
        --target "$partial" "$@"
}

install_libtorch() {
    local kind=cpu
    [ -e /dev/nvidiactl ] && kind=cuda
    local target=$cache/torch-$torch_version
    [ -e "$target/.complete-$kind" ] && return
    mkdir -p "$cache"
    # One at a time; what a killed call left behind is taken away.
    exec 9>"$cache/lock"
    flock 9
    if [ ! -e "$target/.complete-$kind" ]; then
        say "downloading LibTorch $torch_version to $cache (once, about 0.6 GB; 3 GB with a GPU)"
        local partial=$cache/partial
        rm -rf "$partial"
        local all=()
        mapfile -t all < <(wheels)
        fetch --no-deps "${all[0]}"
        # torch itself also asks for Python packages that no C++ program needs.
        fetch $([ "$kind" = cpu ] && echo --no-deps) "${all[@]:1}"
        touch "$partial/.complete-$kind"
        rm -rf "$target"
        mv "$partial" "$target"
    fi
    exec 9>&-
}

# Names in PIPEBD_PYTHON a Python that has what the tests compare with; without it those tests say that they are skipped.
install_python_packages() {
    [ -n "${PIPEBD_PYTHON:-}" ] && return
    local target=$cache/python-$torch_version
    mkdir -p "$cache"
    exec 9>"$cache/lock"
    flock 9
    if [ ! -e "$target/python" ]; then
        say "downloading PyTorch and torchvision for the tests that compare with them (once, 5 GB on disk)"
        local partial=$cache/partial-python
        rm -rf "$partial"
        if fetch "${python_packages[@]}"; then
            printf '#!/bin/sh\nPYTHONPATH="%s" exec %s "$@"\n' "$target" "$(python_with_pip)" >"$partial/python"
            chmod +x "$partial/python"
            rm -rf "$target"
            mv "$partial" "$target"
        else
            rm -rf "$partial"
            say "bootstrap: the download failed; tests that need PyTorch will be skipped"
        fi
    fi
    exec 9>&-
    [ ! -e "$target/python" ] || export PIPEBD_PYTHON=$target/python
}

# Whether one of these folders, separated by colons, holds a LibTorch.
holds_libtorch() {
    local folder
    local IFS=:
    for folder in $1; do
        [ -e "$folder/torch/include/ATen/core/Tensor.h" ] || [ -e "$folder/include/ATen/core/Tensor.h" ] && return 0
    done
    return 1
}

time_text() { # seconds
    if [ "$1" -lt 60 ]; then
        echo "$1 s"
    else
        echo "$(($1 / 60)) min $(($1 % 60)) s"
    fi
}

# Keeps ninja's output, which it reads, in the file $1 and says how far ninja has come: on a terminal in one line that is drawn anew
# every second, elsewhere in a line every 30 seconds.
follow_build() {
    local began=$SECONDS next=$((SECONDS + 30)) drawn='' line rest='' so_far=0 steps=0 seconds left text
    while true; do
        if IFS= read -r -t 1 line; then
            printf '%s\n' "$rest$line"
            [[ $rest$line =~ ^\[([0-9]+)/([0-9]+)\] ]] && so_far=${BASH_REMATCH[1]} steps=${BASH_REMATCH[2]}
            rest=''
        elif [ $? -gt 128 ]; then # nothing new, or part of a line
            rest+=$line
        else
            printf '%s' "$rest$line"
            break
        fi
        seconds=$((SECONDS - began))
        [ "$steps" -gt 0 ] || continue
        text="building: $so_far of $steps"
        left=$(((steps - so_far) * seconds / (so_far > 0 ? so_far : 1)))
        if [ "$seconds" -ge 15 ] && [ "$so_far" -gt 0 ]; then
            if [ "$left" -lt 60 ]; then text+=", less than a minute left"; else text+=", about $(((left + 30) / 60)) min left"; fi
        fi
        if [ -t 2 ]; then
            [ "$text" = "$drawn" ] || printf '\r\033[K%s' "$text" >&2
            drawn=$text
        elif [ "$SECONDS" -ge "$next" ]; then
            say "$text"
            next=$((SECONDS + 30))
        fi
    done >"$1"
    [ -z "$drawn" ] || printf '\r\033[K' >&2
}

configure_and_build() {
    local prefix=${CMAKE_PREFIX_PATH:-}
    if ! holds_libtorch "$prefix"; then
        install_libtorch
        prefix=$cache/torch-$torch_version${prefix:+:$prefix}
    fi
    # Configured anew when the presets or the LibTorch to use have changed.
    local choice
    choice="$prefix $(ls -A "$cache/torch-$torch_version" 2>/dev/null | grep '^\.complete' | tr '\n' ' ' || true)"
    if [ ! -e "$build/build.ninja" ] || [ "$root/CMakePresets.json" -nt "$build/build.ninja" ] \
        || [ "$(cat "$build/.libtorch" 2>/dev/null)" != "$choice" ]; then
        (cd "$root" && cmake --preset release -U 'LibTorch_*' -U PIPEBD_CUDA_INCLUDE -U PIPEBD_CUDART -U PIPEBD_NCCL_INCLUDE \
            -DCMAKE_PREFIX_PATH="${prefix//:/;}" >/dev/null)
        printf '%s\n' "$choice" >"$build/.libtorch"
    fi
    say "building into build/"
    local began=$SECONDS
    cmake --build "$build" -- "$@" 2>&1 | follow_build "$build/build.log" || {
        grep -E 'error|FAILED|warning: unused' "$build/build.log" | head -40 >&2 || true
        tail -20 "$build/build.log" >&2
        fail "the build failed; see build/build.log for its output"
    }
    say "built in $(time_text $((SECONDS - began)))"
}

programs=(pipebd pipebd-engine pipebd-workbench)

case ${1:-} in
build)
    install_packages
    configure_and_build "${programs[@]}"
    say "the programs: build/bin/pipebd, build/bin/pipebd-engine, build/bin/pipebd-workbench"
    ;;
run)
    install_packages
    configure_and_build "${programs[@]}"
    shift
    "$build/bin/pipebd" run "$root/experiments/digits-nas.toml" "$@"
    if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
        "$build/bin/pipebd-workbench" || say "the workbench could not be opened on this display"
    fi
    ;;
test)
    install_packages
    install_python_packages
    configure_and_build all
    cd "$root"
    ctest --test-dir build --output-on-failure -L quick
    ctest --test-dir build -V -L gpu | grep -E '^[0-9]+: (PASS|FAIL|SKIP)|tests passed|FAILED' # skips are told
    ctest --test-dir build --output-on-failure -L python -j 2 # they compare results, not times
    ctest --test-dir build --output-on-failure -LE 'quick|gpu|python'
    ;;
*)
    say "use: packaging/bootstrap.sh build|run|test"
    exit 2
    ;;
esac
