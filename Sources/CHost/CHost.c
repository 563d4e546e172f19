#define _GNU_SOURCE
#include "CHost.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const int helped_niceness = 10, little_niceness = 18;
static const uint64_t brief_slice = 100000;

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

// `struct sched_attr` of Linux, first version; the C library has none of its own.
struct scheduling {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

static bool get_scheduling(int32_t thread, struct scheduling *found) {
    memset(found, 0, sizeof(*found));
    return syscall(SYS_sched_getattr, thread, found, sizeof(*found), 0) == 0;
}

bool host_give_way(bool does) {
    // `sched_setscheduler` would forget the slice.
    struct scheduling present;
    if (!get_scheduling(0, &present)) return false;
    present.policy = does ? SCHED_IDLE : SCHED_OTHER;
    return syscall(SYS_sched_setattr, 0, &present, 0) == 0;
}

void host_be_nice(int nice) {
    // On Linux the niceness of a thread's own number is that of the thread alone.
    setpriority(PRIO_PROCESS, (id_t)gettid(), nice);
}

bool host_run_briefly(void) {
    struct scheduling present;
    if (!get_scheduling(0, &present)) return false;
    present.runtime = brief_slice;
    return syscall(SYS_sched_setattr, 0, &present, 0) == 0;
}

int64_t host_slice_of(int32_t thread) {
    struct scheduling present;
    return get_scheduling(thread, &present) ? (int64_t)present.runtime : 0;
}

int32_t host_this_core(void) { return (int32_t)sched_getcpu(); }

int32_t host_thread_number(void) { return (int32_t)gettid(); }

enum host_pace host_pace_of(int32_t thread) {
    const int class = sched_getscheduler(thread);
    if (class < 0) return HOST_PACE_NONE;
    if (class == SCHED_IDLE) return HOST_PACE_IDLE;
    const int nice = getpriority(PRIO_PROCESS, (id_t)thread);
    if (nice == helped_niceness) return HOST_PACE_HELPED;
    if (nice == little_niceness) return HOST_PACE_HELPED_LITTLE;
    return nice > 0 ? HOST_PACE_NICE : HOST_PACE_USUAL;
}

static bool set_class(int32_t thread, int class, int nice) {
    struct sched_param none = {0};
    return sched_setscheduler(thread, class, &none) == 0 &&
           setpriority(PRIO_PROCESS, (id_t)thread, nice) == 0;
}

bool host_set_pace(int32_t thread, enum host_pace pace) {
    const int nice = pace == HOST_PACE_HELPED          ? helped_niceness
                     : pace == HOST_PACE_HELPED_LITTLE ? little_niceness
                                                       : 0;
    return set_class(thread, pace == HOST_PACE_IDLE ? SCHED_IDLE : SCHED_OTHER, nice);
}

bool host_hasten(int32_t thread, int nice) { return set_class(thread, SCHED_OTHER, nice); }

static FILE *open_task_file(int32_t thread, const char *name) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/task/%" PRId32 "/%s", thread, name);
    return fopen(path, "re");
}

bool host_thread_state(int32_t thread, uint64_t *ran, bool *wants_core) {
    FILE *times = open_task_file(thread, "schedstat");
    if (times == NULL) return false;
    const bool has_times = fscanf(times, "%" SCNu64, ran) == 1;
    fclose(times);
    FILE *state = has_times ? open_task_file(thread, "stat") : NULL;
    if (state == NULL) return false;
    // "number (name) state ..."; a name may hold anything, so its last bracket counts.
    char line[128];
    const char *end = fgets(line, sizeof(line), state) != NULL ? strrchr(line, ')') : NULL;
    fclose(state);
    if (end == NULL || end[1] != ' ') return false;
    *wants_core = end[2] == 'R';
    return true;
}

int host_threads(int32_t *threads, int capacity) {
    DIR *tasks = opendir("/proc/self/task");
    if (tasks == NULL) return 0;
    int count = 0;
    for (const struct dirent *entry; count < capacity && (entry = readdir(tasks)) != NULL;) {
        const long number = strtol(entry->d_name, NULL, 10);
        if (number > 0) threads[count++] = (int32_t)number;
    }
    closedir(tasks);
    return count;
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
