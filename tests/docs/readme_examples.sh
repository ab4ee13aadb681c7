#!/bin/sh
# Compiles and runs the README's C example, and runs its commands.
# SPDX-License-Identifier: BSD-2-Clause
#   readme_examples.sh PEA LIBPEA.a C_COMPILER
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
pea=$1 library=$2 cc=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
ln -s "$root/models" "$root/testdata" .
export PEA_MODELS="$root/models" # a build folder may lie anywhere

block() { awk -v fence="\`\`\`$1" '$0 == fence { inside = 1; next } /^```/ { inside = 0 } inside' "$root/README.md"; }

block c >example.c
test -s example.c
# shellcheck disable=SC2046 # lists of words
"$cc" -std=c11 -Wall -Wextra -Werror -I"$root/native/include" example.c "$library" \
    $(pkg-config --libs libtiff-4 libpng zlib libcjson) -lm -pthread -Wl,-rpath,"$(dirname "$library")" -o example
./example
rm -f labels.tif

mkdir bin
ln -s "$pea" bin/pea
PATH=$work/bin:$PATH
export PATH
block sh >commands.sh
test -s commands.sh
sh -eu commands.sh >commands.log 2>&1 || { cat commands.log; exit 1; }
test -s labels.tif && test -s overlay.png && test -s table.csv
