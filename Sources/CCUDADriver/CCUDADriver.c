#include "CCUDADriver.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

_Static_assert(sizeof(ccuda_resource) == 144, "the size that the driver's calls expect");
_Static_assert(offsetof(ccuda_resource, count) == 96, "where the facts about SMs stand");

// Our name and the driver's, in the order of the structure.
#define CCUDA_REQUIRED(call)                                                                      \
    call(init, "cuInit")                                                                          \
    call(driver_version, "cuDriverGetVersion")                                                    \
    call(error_name, "cuGetErrorName")                                                            \
    call(device_count, "cuDeviceGetCount")                                                        \
    call(device, "cuDeviceGet")                                                                   \
    call(device_name, "cuDeviceGetName")                                                          \
    call(device_uuid, "cuDeviceGetUuid_v2")                                                       \
    call(device_fact, "cuDeviceGetAttribute")                                                     \
    call(device_memory, "cuDeviceTotalMem_v2")                                                    \
    call(primary_retain, "cuDevicePrimaryCtxRetain")                                              \
    call(primary_release, "cuDevicePrimaryCtxRelease_v2")                                         \
    call(set_current, "cuCtxSetCurrent")                                                          \
    call(priority_range, "cuCtxGetStreamPriorityRange")                                           \
    call(stream_create, "cuStreamCreateWithPriority")                                             \
    call(stream_destroy, "cuStreamDestroy_v2")                                                    \
    call(stream_synchronize, "cuStreamSynchronize")                                               \
    call(stream_wait, "cuStreamWaitEvent")                                                        \
    call(event_create, "cuEventCreate")                                                           \
    call(event_destroy, "cuEventDestroy_v2")                                                      \
    call(event_record, "cuEventRecord")                                                           \
    call(event_synchronize, "cuEventSynchronize")                                                 \
    call(event_elapsed, "cuEventElapsedTime")                                                     \
    call(memory_info, "cuMemGetInfo_v2")                                                          \
    call(memory_take, "cuMemAlloc_v2")                                                            \
    call(memory_free, "cuMemFree_v2")                                                             \
    call(pinned_take, "cuMemHostAlloc")                                                           \
    call(pinned_free, "cuMemFreeHost")                                                            \
    call(copy_in, "cuMemcpyHtoDAsync_v2")                                                         \
    call(copy_out, "cuMemcpyDtoHAsync_v2")

#define CCUDA_OPTIONAL(call)                                                                      \
    call(device_resource, "cuDeviceGetDevResource")                                               \
    call(split_by_count, "cuDevSmResourceSplitByCount")                                           \
    call(describe, "cuDevResourceGenerateDesc")                                                   \
    call(green_create, "cuGreenCtxCreate")                                                        \
    call(green_destroy, "cuGreenCtxDestroy")                                                      \
    call(green_context, "cuCtxFromGreenCtx")                                                      \
    call(green_stream, "cuGreenCtxStreamCreate")

#define CNVML_ALL(call)                                                                           \
    call(init, "nvmlInit_v2")                                                                     \
    call(driver_version, "nvmlSystemGetDriverVersion")                                            \
    call(device_by_bus, "nvmlDeviceGetHandleByPciBusId_v2")                                       \
    call(link_generation, "nvmlDeviceGetMaxPcieLinkGeneration")                                   \
    call(link_width, "nvmlDeviceGetMaxPcieLinkWidth")                                             \
    call(instance_mode, "nvmlDeviceGetMigMode")                                                   \
    call(memory, "nvmlDeviceGetMemoryInfo")                                                       \
    call(clock, "nvmlDeviceGetClockInfo")

#define CCUDA_COUNT(name, symbol) +1
_Static_assert(sizeof(ccuda_calls) / sizeof(void *) ==
                   CCUDA_REQUIRED(CCUDA_COUNT) CCUDA_OPTIONAL(CCUDA_COUNT),
               "every call has a symbol");
_Static_assert(sizeof(cnvml_calls) / sizeof(void *) == CNVML_ALL(CCUDA_COUNT),
               "every call has a symbol");

static void say(char *text, size_t capacity, const char *words, const char *rest) {
    if (capacity > 0) {
        snprintf(text, capacity, "%s%s", words ? words : "", rest ? rest : "");
    }
}

static void *opened(const char *path, char *text, size_t capacity) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        say(text, capacity, dlerror(), NULL);
    }
    return library;
}

ccuda_opening ccuda_open(const char *path, ccuda_calls *calls, char *text, size_t capacity) {
    void *library = opened(path, text, capacity);
    if (!library) {
        return ccuda_missing;
    }
    void *symbol;
    say(text, capacity, "", NULL);
#define CCUDA_TAKE(name, symbol_name)                                                             \
    symbol = dlsym(library, symbol_name);                                                         \
    memcpy((void *)&calls->name, &symbol, sizeof symbol);
#define CCUDA_NEED(name, symbol_name)                                                             \
    CCUDA_TAKE(name, symbol_name)                                                                 \
    if (!symbol) {                                                                                \
        say(text, capacity, "it has no ", symbol_name);                                           \
        dlclose(library);                                                                         \
        return ccuda_foreign;                                                                     \
    }
    CCUDA_REQUIRED(CCUDA_NEED)
    CCUDA_OPTIONAL(CCUDA_TAKE)
    return ccuda_opened;
}

ccuda_opening cnvml_open(const char *path, cnvml_calls *calls, char *text, size_t capacity) {
    void *library = opened(path, text, capacity);
    if (!library) {
        return ccuda_missing;
    }
    void *symbol;
    say(text, capacity, "", NULL);
    CNVML_ALL(CCUDA_TAKE)
    if (!calls->init) {
        say(text, capacity, "it has no ", "nvmlInit_v2");
        dlclose(library);
        return ccuda_foreign;
    }
    return ccuda_opened;
}

int64_t ccuda_monotonic(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}
