// What tests set and ask.
#include "StandIn.h"

#include <time.h>

#ifdef STANDIN_OLD
#define STANDIN_VERSION 12020
#else
#define STANDIN_VERSION 13010
#endif

static const facts usual = {
    .devices = 1, .processors = 132, .grain = 8, .groups_max = group_limit, .memory_mib = 1024,
    .copy_engines = 2, .version = STANDIN_VERSION, .streams_max = 256, .generation = 5,
    .width = 16, .gigabytes_per_second = 50,
};

pthread_mutex_t standin_lock = PTHREAD_MUTEX_INITIALIZER;
facts standin_facts = {
    .devices = 1, .processors = 132, .grain = 8, .groups_max = group_limit, .memory_mib = 1024,
    .copy_engines = 2, .version = STANDIN_VERSION, .streams_max = 256, .generation = 5,
    .width = 16, .gigabytes_per_second = 50,
};
counts standin_counts;
context standin_contexts[device_limit];
bool standin_started;
__thread context *standin_current;

typedef struct fault {
    char call[48];
    int32_t code;
    int64_t skip, times;
} fault;

enum { fault_limit = 8 };
static fault faults[fault_limit];
static char record[log_limit], offences[log_limit];
static size_t recorded, offended;

static void note(char *text, size_t *used, const char *line) {
    size_t length = strlen(line);
    if (*used + length + 2 > log_limit) return;
    memcpy(text + *used, line, length);
    *used += length;
    text[(*used)++] = '\n';
    text[*used] = 0;
}

int32_t standin_enter(const char *call) {
    standin_counts.calls++;
    note(record, &recorded, call);
    for (int place = 0; place < fault_limit; place++) {
        fault *one = &faults[place];
        if (one->times <= 0 || strcmp(one->call, call) != 0) continue;
        if (one->skip > 0) {
            one->skip--;
            continue;
        }
        one->times--;
        return one->code;
    }
    if (!standin_started && strcmp(call, "cuInit") != 0 && strcmp(call, "cuDriverGetVersion") != 0
        && strncmp(call, "nvml", 4) != 0) {
        standin_violation("%s before cuInit", call);
        return not_initialized;
    }
    return standin_facts.lost && strncmp(call, "nvml", 4) != 0 ? launch_failed : ok;
}

void standin_violation(const char *format, ...) {
    char line[256] = "VIOLATION ";
    size_t head = strlen(line);
    va_list list;
    va_start(list, format);
    vsnprintf(line + head, sizeof line - head, format, list);
    va_end(list);
    standin_counts.violations++;
    note(offences, &offended, line);
}

int64_t standin_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

context *standin_here(const char *call) {
    if (!standin_current || standin_current->retained == 0) {
        standin_violation("%s without a context that is current and retained", call);
        return NULL;
    }
    return standin_current;
}

void standin_reset(void) {
    pthread_mutex_lock(&standin_lock);
    standin_forget_greens();
    standin_forget_streams();
    standin_forget_memory();
    standin_facts = usual;
    memset(&standin_counts, 0, sizeof standin_counts);
    memset(standin_contexts, 0, sizeof standin_contexts);
    memset(faults, 0, sizeof faults);
    recorded = offended = 0;
    record[0] = offences[0] = 0;
    standin_started = false;
    standin_current = NULL;
    pthread_mutex_unlock(&standin_lock);
}

#define FACTS(each)                                                                               \
    each(devices) each(processors) each(grain) each(groups_max) each(memory_mib)                  \
    each(copy_engines) each(version) each(mig) each(streams_max) each(generation) each(width)     \
    each(gigabytes_per_second) each(lost)
#define COUNTS(each)                                                                              \
    each(streams) each(events) each(greens) each(descriptors) each(device_bytes)                  \
    each(pinned_bytes) each(violations) each(calls) each(copies) each(splits) each(most_streams)

void standin_set(const char *fact, int64_t value) {
    pthread_mutex_lock(&standin_lock);
#define SET(name) if (strcmp(fact, #name) == 0) standin_facts.name = value;
    FACTS(SET)
    pthread_mutex_unlock(&standin_lock);
}

int64_t standin_get(const char *name) {
    pthread_mutex_lock(&standin_lock);
    int64_t value = -1;
#define GET_FACT(field) if (strcmp(name, #field) == 0) value = standin_facts.field;
#define GET_COUNT(field) if (strcmp(name, #field) == 0) value = standin_counts.field;
    FACTS(GET_FACT)
    COUNTS(GET_COUNT)
    if (strcmp(name, "retained") == 0) {
        value = 0;
        for (int place = 0; place < device_limit; place++) value += standin_contexts[place].retained;
    }
    pthread_mutex_unlock(&standin_lock);
    return value;
}

void standin_fail(const char *call, int32_t code, int64_t skip, int64_t times) {
    pthread_mutex_lock(&standin_lock);
    for (int place = 0; place < fault_limit; place++) {
        if (faults[place].times > 0) continue;
        snprintf(faults[place].call, sizeof faults[place].call, "%s", call);
        faults[place].code = code;
        faults[place].skip = skip;
        faults[place].times = times;
        break;
    }
    pthread_mutex_unlock(&standin_lock);
}

size_t standin_log(char *text, size_t capacity) {
    pthread_mutex_lock(&standin_lock);
    if (capacity > 0) snprintf(text, capacity, "%s%s", record, offences);
    size_t length = recorded + offended;
    pthread_mutex_unlock(&standin_lock);
    return length;
}
