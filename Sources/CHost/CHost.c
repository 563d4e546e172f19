#define _GNU_SOURCE
#include "CHost.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/resource.h>
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

bool host_give_way(bool does) {
    struct sched_param none = {0};
    return sched_setscheduler(0, does ? SCHED_IDLE : SCHED_OTHER, &none) == 0;
}

void host_be_nice(int nice) {
    // On Linux the niceness of a thread's own number is that of the thread alone.
    setpriority(PRIO_PROCESS, (id_t)gettid(), nice);
}

static void *try_to_take_back(void *may) {
    *(bool *)may = host_give_way(true) && host_give_way(false);
    return NULL;
}

bool host_may_take_back(void) {
    bool may = false;
    pthread_t thread;
    if (pthread_create(&thread, NULL, try_to_take_back, &may) != 0) return false;
    pthread_join(thread, NULL);
    return may;
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
