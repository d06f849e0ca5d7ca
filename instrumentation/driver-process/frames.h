/*
 * What a service and its driver process say to each other, over stdin and stdout: frames of 32-bit words in the byte order
 * of the machine. A frame is its length in bytes, without these eight, its kind, and so many bytes, always a multiple of
 * four. Offsets are into the arena, memory of the driver process that calls read and write.
 *
 * src/native/driver-process.ts is the other side.
 */
#ifndef ACCELMETER_FRAMES_H
#define ACCELMETER_FRAMES_H

#include <stdint.h>

enum {
  /* Asked: texts with a NUL after each. First file names of which the first that can be opened is taken, then an empty
   * one; then for each call its symbols, of which the first that is there is taken, and an empty one.
   * Answered: where the arena begins, in 64 bits; 0 opened, 1 not found, 2 found and not loadable; for each call which of
   * its symbols was taken, -1 for none; then a text: the name that was taken, or the loader's own words. */
  FRAME_OPEN = 1,
  /* Asked: a number for the program, then its calls; see `struct call`. Not answered. */
  FRAME_PROGRAM = 2,
  /* Asked: the number of a program. Answered: for each of its calls the code and the time it took in nanoseconds; then
   * what each wrote, one after the other. */
  FRAME_RUN = 3,
  /* Asked: nothing. Answered at once, whatever the driver is doing: the index of the call that runs, -1 for none, -2 while
   * the library is being opened; and for how many milliseconds. */
  FRAME_WHERE = 4,
};

/* The code of a call that was not made: the library lacks it, or an earlier call that it needs failed. */
#define CODE_NOT_CALLED (-1)

#define ARENA_BYTES (4u << 20)
#define MOST_ARGUMENTS 6

enum { ARGUMENT_VALUE, ARGUMENT_ADDRESS, ARGUMENT_LOADED };

/* One call. Its words stand in this order, with `arguments` pairs of kind and value, and `input` bytes at the end. */
struct call {
  uint32_t function;
  /* So many calls after it are not made where it fails. */
  uint32_t needed_by;
  /* What it writes, and what is in there before it does: `input` bytes, and zeroes or the filler after them. */
  uint32_t offset;
  uint32_t length;
  uint32_t filler;
  uint32_t input;
  uint32_t arguments;
};

#endif
