#!/bin/sh
# Nobody includes what the picture in docs/architecture.md does not allow.
# SPDX-License-Identifier: BSD-2-Clause
set -eu
cd "$(dirname "$0")/../../native"
wrong=0

# Loops over planes run wide where kernels do, and so one header of cluster asks which of them run; no other may.
wide_loops='^src/cluster/plane\.h:[0-9]+:#include "kernel/kernel\.h"$'

# may FOLDER ALLOWED...: folders whose headers a folder of src may include, besides its own and the public ones.
may() {
    folder=$1
    shift
    allowed=$(printf '%s|' pea "$folder" "$@")
    if grep -nE '#include "' "src/$folder"/*.[ch] | grep -E '"[a-z0-9_]+/' | grep -vE "\"(${allowed%|})/" |
        grep -vE "$wide_loops"; then
        echo "src/$folder may include: $*"
        wrong=1
    fi
}

may base
may array base
may kernel base
may gradient kernel base
may nn gradient array kernel base
may affinity array kernel base
may train pipeline nn gradient affinity cluster metric io image array kernel base
may cluster array base
may metric array base
may io array base
may image array base
may pipeline nn affinity cluster metric io image array base
if grep -nE '#include <(sys/|unistd|fcntl|sched|signal|dirent|strings|dlfcn)' src/*/*.[ch] | grep -v '^src/base/'; then
    echo "src/base alone speaks to the operating system"
    wrong=1
fi
if grep -nE '#include <[a-z0-9]*(mmintrin|immintrin|arm_neon)' src/*/*.[ch] | grep -vE '^src/(kernel/|base/denormals\.c)'; then
    echo "src/kernel, and base where it sets how a thread counts, alone know processors"
    wrong=1
fi
if grep -nE '#include "' cli/*.[ch] | grep -E '"[a-z0-9_]+/' | grep -v '"pea/'; then
    echo "cli may include public headers only"
    wrong=1
fi
if grep -nE '#include' include/pea/*.h | grep -vE '"pea/|<std(int|def)\.h>'; then
    echo "public headers include nothing but themselves"
    wrong=1
fi
exit $wrong
