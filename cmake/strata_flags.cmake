# Flags for every target: warnings are errors, frame pointers stay for profilers.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

add_library(strata_flags INTERFACE)
target_include_directories(strata_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(strata_flags INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Woverloaded-virtual
  -Werror -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports these inside the standard library and coroutine frames where nothing is wrong.
  target_compile_options(strata_flags INTERFACE
    -fcoroutines -Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds
    -Wno-stringop-overread -Wno-free-nonheap-object)
  if(CMAKE_UNITY_BUILD)  # what a class keeps in an unnamed namespace is then included
    target_compile_options(strata_flags INTERFACE -Wno-subobject-linkage)
  endif()
else()
  # Clang reports std::get_temporary_buffer inside GCC 12's own std::stable_sort.
  target_compile_options(strata_flags INTERFACE -Wno-deprecated-declarations)
endif()
target_link_libraries(strata_flags INTERFACE Threads::Threads)

if(STRATA_SANITIZE)
  target_compile_options(strata_flags INTERFACE -fsanitize=${STRATA_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(strata_flags INTERFACE -fsanitize=${STRATA_SANITIZE})
endif()
