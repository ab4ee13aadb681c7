#!/bin/sh
# Runs the golden cases in PEA_GOLDEN_DIR, or in the folder named second: given.sh RUNNER FOLDER.
# SPDX-License-Identifier: BSD-2-Clause
set -eu
exec "$1" "${PEA_GOLDEN_DIR:-$2}"
