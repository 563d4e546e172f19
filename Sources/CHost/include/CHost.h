// The few calls of Linux that Swift's Glibc module does not show.
#pragma once

#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

/// Waits for a semaphore until a point of CLOCK_MONOTONIC; false when the time passed first.
bool host_wait_until(sem_t *semaphore, int64_t nanoseconds);

/// Names the calling thread for the system's tools; 15 characters at most.
void host_name_thread(const char *name);

/// Lets the calling thread, and no other, run only when others leave time for it.
void host_lower_priority(int nice);

// The system's number of the calling thread.
int32_t host_thread_number(void);

// How willingly a thread of this process gives way (0 = as usual, 19 = most). Whether it was done:
// few processes may take back what they gave.
bool host_set_nice(int32_t thread, int32_t nice);

// Whether this process may make a thread less nice again; tried on a thread that ends at once.
bool host_may_raise(void);

/// Asks the system to give the calling thread turns of 3 ms, longer than usual. It gets no larger
/// share for that, and threads with turns of the usual length may take its core at once when they
/// wake, where they would wait for the end of a usual turn. Ignored before Linux 6.12.
void host_take_long_turns(void);

/// Writes the numbers of the cores that this process may use, ascending; returns how many.
int host_cores(int32_t *cores, int capacity);

/// The same for one thread by the system's number for it; 0 = the calling one. 0 cores where the
/// thread has ended.
int host_thread_cores(int32_t thread, int32_t *cores, int capacity);

/// Lets a thread, 0 = the calling one, run on these cores only; false where the thread has ended
/// or the process may use none of them.
bool host_move_thread(int32_t thread, const int32_t *cores, int count);
