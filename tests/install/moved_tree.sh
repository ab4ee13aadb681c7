#!/bin/sh
# Installs, moves the tree, and there runs the command and builds a program with pkg-config and with CMake.
# SPDX-License-Identifier: BSD-2-Clause
#   moved_tree.sh BUILD_FOLDER C_COMPILER
set -eu
build=$1 cc=$2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset PEA_MODELS || true

cmake --install "$build" --prefix "$work/first" >"$work/log"
mv "$work/first" "$work/moved tree" # a blank in the path, as users have
tree="$work/moved tree"
if grep -rlI -e "$work/first" -e "$(cd "$here/../.." && pwd)" "$tree"; then
    echo "the files above name a place they were built or installed in"
    exit 1
fi

mkdir "$work/elsewhere"
cd "$work/elsewhere"
"$tree/bin/pea" info >info.txt
test -s info.txt
if [ -f "$tree/share/pea/models/nuclei.safetensors" ]; then
    "$tree/bin/pea" info nuclei >model.txt 2>&1 || { cat model.txt; exit 1; } # found beside the command
fi
model=$(find "$tree/share/pea/models" -name '*.safetensors' | head -n 1)

PKG_CONFIG_PATH=$tree/lib/pkgconfig
[ -d "$PKG_CONFIG_PATH" ] || PKG_CONFIG_PATH=$(dirname "$(find "$tree" -name pea.pc)")
export PKG_CONFIG_PATH
eval "$cc" -std=c11 -o by_pkg_config "$here/consumer.c" "$(pkg-config --cflags --libs pea)"
LD_LIBRARY_PATH=$tree/lib ./by_pkg_config ${model:+"$model"}

cat >CMakeLists.txt <<END
cmake_minimum_required(VERSION 3.18)
project(consumer C)
find_package(pea 0.2 REQUIRED)
add_executable(by_cmake $here/consumer.c)
target_link_libraries(by_cmake pea::pea)
END
{ cmake -G Ninja -S . -B build -DCMAKE_PREFIX_PATH="$tree" -DCMAKE_C_COMPILER="$cc" && cmake --build build; } >log 2>&1 || { cat log; exit 1; }
build/by_cmake ${model:+"$model"}
