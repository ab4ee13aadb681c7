#!/bin/sh
# Each public header compiles alone, as strict C11 and, where a C++ compiler is, as C++.
# SPDX-License-Identifier: BSD-2-Clause
#   headers.sh C_COMPILER
set -eu
cd "$(dirname "$0")/../../native/include"
for header in pea/*.h; do
    echo "#include <$header>" | "$1" -std=c11 -pedantic -Wall -Wextra -Werror -I. -fsyntax-only -x c -
    if command -v c++ >/dev/null 2>&1; then
        echo "#include <$header>" | c++ -std=c++11 -pedantic -Wall -Wextra -Werror -I. -fsyntax-only -x c++ -
    fi
done
