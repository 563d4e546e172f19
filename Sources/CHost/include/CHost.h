// The few calls of Linux that Swift's Glibc module does not show.
#pragma once

#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

/// Waits for a semaphore until a point of CLOCK_MONOTONIC; false when the time passed first.
bool host_wait_until(sem_t *semaphore, int64_t nanoseconds);

/// Names the calling thread for the system's tools; 15 characters at most.
void host_name_thread(const char *name);

/// Lets the calling thread run only on cores that no usual thread wants (`SCHED_IDLE`), and leave
/// its core at once when one does; or no longer. False where it was not done: few processes may
/// take back what they gave.
bool host_give_way(bool does);

/// Whether this process may; tried on a thread that ends at once.
bool host_may_take_back(void);

/// Lets the calling thread, and all that it starts, have a smaller part of a core that others want
/// as well: 0 (as usual) to 19.
void host_be_nice(int nice);

/// Says that the calling thread runs for short times only, 0.1 ms: one that has its slice still
/// before it goes before one that computes on and on, which it else may have to wait for until the
/// next tick, up to 4 ms. No privilege is needed. Linux 6.12 and later heed it; false where the
/// kernel refuses.
bool host_run_briefly(void);

/// The slice that a thread has, in nanoseconds, by the system's number for it, 0 = the calling
/// one; 0 where the kernel tells none.
int64_t host_slice_of(int32_t thread);

/// The number of the core that the calling thread runs on, which may be another one next.
int32_t host_this_core(void);

/// How the system runs a thread.
enum host_pace {
    /// There is no such thread.
    HOST_PACE_NONE,
    /// Like all else.
    HOST_PACE_USUAL,
    /// In the usual class with a smaller part, as by `host_be_nice`.
    HOST_PACE_NICE,
    /// In the usual class with a tenth of a core that others want (niceness 10), as by
    /// `host_set_pace` alone.
    HOST_PACE_HELPED,
    /// The same with a sixtieth (niceness 18).
    HOST_PACE_HELPED_LITTLE,
    /// Only where nobody else wants a core, as by `host_give_way`.
    HOST_PACE_IDLE,
};

/// The system's number for the calling thread.
int32_t host_thread_number(void);

/// How a thread is run, by the system's number for it; 0 = the calling one.
enum host_pace host_pace_of(int32_t thread);

/// Sets how a thread is run: helped, helped a little, idle or usual. False where it has ended or
/// may not.
bool host_set_pace(int32_t thread, enum host_pace pace);

/// Lets a thread have, by the system's number for it, the part of a core that a niceness gives in
/// the usual class, whatever it gave away before. False where it has ended or may not.
bool host_hasten(int32_t thread, int nice);

/// For how many nanoseconds a thread has run, and whether it runs or waits for a core right now;
/// false where it has ended or the system does not tell.
///
/// The system's own count of the time waited grows only when the waiting ends.
bool host_thread_state(int32_t thread, uint64_t *ran, bool *wants_core);

/// Writes the numbers of this process's threads; returns how many.
int host_threads(int32_t *threads, int capacity);

/// Writes the numbers of the cores that this process may use, ascending; returns how many.
int host_cores(int32_t *cores, int capacity);

/// The same for one thread by the system's number for it; 0 = the calling one. 0 cores where the
/// thread has ended.
int host_thread_cores(int32_t thread, int32_t *cores, int capacity);

/// Lets a thread, 0 = the calling one, run on these cores only; false where the thread has ended
/// or the process may use none of them.
bool host_move_thread(int32_t thread, const int32_t *cores, int count);
