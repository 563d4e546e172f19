#define _GNU_SOURCE
#include "CONNXRuntime.h"

#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

// Room for this many processors; machines with more get EINVAL from the kernel.
enum { processor_limit = 8192 };

int32_t connx_pin_thread(pthread_t thread, const int32_t *processors, size_t count) {
    size_t size = CPU_ALLOC_SIZE(processor_limit);
    cpu_set_t *set = CPU_ALLOC(processor_limit);
    if (!set) {
        return ENOMEM;
    }
    CPU_ZERO_S(size, set);
    for (size_t i = 0; i < count; i++) {
        if (processors[i] < 0 || processors[i] >= processor_limit) {
            CPU_FREE(set);
            return EINVAL;
        }
        CPU_SET_S((size_t)processors[i], size, set);
    }
    int outcome = pthread_setaffinity_np(thread, size, set);
    CPU_FREE(set);
    return outcome;
}

int32_t connx_thread_processors(pthread_t thread, int32_t *processors, size_t capacity) {
    size_t size = CPU_ALLOC_SIZE(processor_limit);
    cpu_set_t *set = CPU_ALLOC(processor_limit);
    if (!set) {
        return -ENOMEM;
    }
    int outcome = pthread_getaffinity_np(thread, size, set);
    int32_t found = 0;
    for (int i = 0; outcome == 0 && i < processor_limit; i++) {
        if (CPU_ISSET_S((size_t)i, size, set)) {
            if ((size_t)found < capacity) {
                processors[found] = i;
            }
            found++;
        }
    }
    CPU_FREE(set);
    return outcome == 0 ? found : -outcome;
}

void connx_name_thread(pthread_t thread, const char *name) {
    pthread_setname_np(thread, name);
}

int32_t connx_thread_number(void) { return (int32_t)gettid(); }

int32_t connx_set_nice(int32_t thread, int32_t nice) {
    // On Linux the priority of a thread's own number is that of the thread alone.
    return setpriority(PRIO_PROCESS, (id_t)thread, nice) == 0 ? 0 : errno;
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

void connx_take_long_turns(int32_t thread, bool does) {
#if defined(SYS_sched_getattr) && defined(SYS_sched_setattr)
    struct scheduling present = {.size = sizeof present};
    if (syscall(SYS_sched_getattr, thread, &present, sizeof present, 0) != 0) return;
    present.size = sizeof present;
    present.runtime = does ? 3000000 : 0;  // 0: the usual length
    syscall(SYS_sched_setattr, thread, &present, 0);
#endif
}

static void *try_to_raise(void *may) {
    int32_t self = connx_thread_number();
    *(bool *)may = connx_set_nice(self, 1) == 0 && connx_set_nice(self, 0) == 0;
    return NULL;
}

bool connx_may_raise(void) {
    bool may = false;
    pthread_t thread;
    if (pthread_create(&thread, NULL, try_to_raise, &may) != 0) return false;
    pthread_join(thread, NULL);
    return may;
}

void connx_flush_denormals(void) {
#if defined(__x86_64__)
    _mm_setcsr(_mm_getcsr() | 0x8040);  // flush to zero, denormals are zero
#elif defined(__aarch64__)
    uint64_t control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    __asm__ volatile("msr fpcr, %0" : : "r"(control | (1ull << 24)));
#endif
}

void connx_map_large_blocks(void) {
#if defined(__GLIBC__)
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
}

void connx_trim_heap(void) {
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
}
