/*
 * Names functions by the versions that they had in old C libraries. In glibc 2.34 what was in libdl and libpthread got
 * new versions; a library linked on a newer system would not load on one that is older, though it calls the same.
 * Node.js itself needs libdl and libpthread, so both are there to be found.
 */
#ifndef ACCELMETER_OLD_GLIBC_H
#define ACCELMETER_OLD_GLIBC_H

#include <features.h>

/* Sanitizers put functions of theirs before those of the library, by their names. */
#if defined(__GLIBC__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#if defined(__x86_64__)
#define OLD_GLIBC(function) __asm__(".symver " #function "," #function "@GLIBC_2.2.5")
#elif defined(__aarch64__)
#define OLD_GLIBC(function) __asm__(".symver " #function "," #function "@GLIBC_2.17")
#endif
#endif
#ifndef OLD_GLIBC
#define OLD_GLIBC(function) _Static_assert(1, "nothing to name")
#endif

#endif
