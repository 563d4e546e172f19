#define _GNU_SOURCE
#include "CONNXRuntime.h"

#include <errno.h>
#include <malloc.h>
#include <sched.h>
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

bool connx_give_way(int32_t thread, bool does) {
    struct sched_param none = {0};
    return sched_setscheduler(thread, does ? SCHED_IDLE : SCHED_OTHER, &none) == 0;
}

bool connx_be_nice(int32_t thread, int32_t nice) {
    return setpriority(PRIO_PROCESS, (id_t)thread, nice) == 0;
}

static void *try_to_take_back(void *may) {
    *(bool *)may = connx_give_way(0, true) && connx_give_way(0, false);
    return NULL;
}

bool connx_may_take_back(void) {
    bool may = false;
    pthread_t thread;
    if (pthread_create(&thread, NULL, try_to_take_back, &may) != 0) return false;
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
