// Counts heap allocations of the calling thread.
//
// The program that links this has malloc and its relatives from here; they count and hand on to
// glibc. Shared libraries of the program, the Swift runtime among them, use them as well.

#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H

#include <stdint.h>

/// How often the calling thread has allocated, resized ones included, since it began.
uint64_t allocation_count(void);

#endif
