# Flags that every target shares. No -ffast-math anywhere: it changes results and, at link time, the FPU's state.
add_compile_definitions(_POSIX_C_SOURCE=200809L _FILE_OFFSET_BITS=64)
add_compile_options(
  -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla
  -ffp-contract=off      # a*b+c rounds the same way with every compiler and instruction set
  -fno-math-errno
  -fno-semantic-interposition) # our own calls are ours: may be inlined; cmake/exports.map says what others see

if(NOT PEA_SIMD)
  add_compile_definitions(PEA_SCALAR_ONLY) # src/kernel/kernel.h then has the portable set alone
endif()
if(PEA_SANITIZE)
  add_compile_options(-fsanitize=${PEA_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${PEA_SANITIZE})
endif()
if(PEA_COVERAGE)
  add_compile_options(--coverage -O1 -fprofile-update=atomic) # threads count too
  add_link_options(--coverage)
endif()
if(PEA_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
