#define _GNU_SOURCE
#include "CHost.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

bool host_wait_until(sem_t *semaphore, int64_t nanoseconds) {
    const int64_t second = 1000000000;
    struct timespec until = {
        .tv_sec = nanoseconds / second,
        .tv_nsec = nanoseconds % second,
    };
    int status;
    do {
        status = sem_clockwait(semaphore, CLOCK_MONOTONIC, &until);
    } while (status != 0 && errno == EINTR);
    return status == 0;
}

void host_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

void host_lower_priority(int nice) {
    // On Linux the priority of a thread's own number is that of the thread alone.
    setpriority(PRIO_PROCESS, (id_t)gettid(), nice);
}

int32_t host_thread_number(void) { return (int32_t)gettid(); }

bool host_set_nice(int32_t thread, int32_t nice) {
    return setpriority(PRIO_PROCESS, (id_t)thread, nice) == 0;
}

static void *try_to_raise(void *may) {
    int32_t self = host_thread_number();
    *(bool *)may = host_set_nice(self, 1) && host_set_nice(self, 0);
    return NULL;
}

bool host_may_raise(void) {
    bool may = false;
    pthread_t thread;
    if (pthread_create(&thread, NULL, try_to_raise, &may) != 0) return false;
    pthread_join(thread, NULL);
    return may;
}

// As the kernel has it (sched_setattr(2)); glibc declares neither the structure nor the calls.
struct scheduling {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t clamp_least, clamp_most;
};

void host_take_long_turns(void) {
#if defined(SYS_sched_getattr) && defined(SYS_sched_setattr)
    struct scheduling present = {.size = sizeof present};
    if (syscall(SYS_sched_getattr, 0, &present, sizeof present, 0) != 0) return;
    present.size = sizeof present;
    present.runtime = 3000000;
    syscall(SYS_sched_setattr, 0, &present, 0);
#endif
}

int host_cores(int32_t *cores, int capacity) { return host_thread_cores(0, cores, capacity); }

int host_thread_cores(int32_t thread, int32_t *cores, int capacity) {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(thread, sizeof(set), &set) != 0) return 0;
    int count = 0;
    for (int core = 0; core < CPU_SETSIZE && count < capacity; core++)
        if (CPU_ISSET(core, &set)) cores[count++] = core;
    return count;
}

bool host_move_thread(int32_t thread, const int32_t *cores, int count) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (int place = 0; place < count; place++)
        if (cores[place] >= 0 && cores[place] < CPU_SETSIZE) CPU_SET(cores[place], &set);
    return sched_setaffinity(thread, sizeof(set), &set) == 0;
}
