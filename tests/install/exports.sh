#!/bin/sh
# A shared libpea shows every function of the public headers and nothing else, and calls nothing a library must not.
# SPDX-License-Identifier: BSD-2-Clause
#   exports.sh LIBRARY.so LIBRARY.a
set -eu
headers=$(cd "$(dirname "$0")/../../native/include/pea" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

nm -D --defined-only "$1" | awk '{ print $NF }' | sort >"$work/shown"
# Declarations only: comments away, then names before a bracket at the start of a declaration.
sed -e 's://.*::' -e 's:/\*.*\*/::' "$headers"/*.h | sed -e '/\/\*/,/\*\//d' |
    grep -oE '^[a-z][a-zA-Z0-9_ *]*\bpea_[a-z0-9_]+\(' | grep -v '^typedef' |
    grep -oE 'pea_[a-z0-9_]+\($' | tr -d '(' | sort -u >"$work/declared"
if ! diff "$work/declared" "$work/shown" >"$work/difference"; then
    echo "declared in headers (<) and shown by the library (>) differ:"
    cat "$work/difference"
    exit 1
fi

# The library lives inside other programs: it may not end them, change their signals or their locale, nor print.
forbidden='exit|_exit|abort|__assert_fail|raise|signal|sigaction|setlocale|chdir|fork|system|dlopen|printf|puts|putchar|perror'
if nm -u "$1" | awk '{ print $NF }' | sed 's/@.*//' | grep -xE "$forbidden"; then
    echo "the library calls what a library must not"
    exit 1
fi
test -s "$2" && echo "$(wc -l <"$work/shown") public functions, all of them declared and shown"
