// What the files of the stand-in share.
#pragma once

#include "include/StandInDriver.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARED __attribute__((visibility("hidden")))

enum {
    ok = 0, bad_value = 1, no_memory = 2, not_initialized = 3, no_device = 100, bad_device = 101,
    bad_context = 201, bad_handle = 400, not_ready = 600, launch_failed = 719,
    not_supported = 801, bad_resource = 915,
};

enum { device_limit = 8, log_limit = 65536, group_limit = 128 };

// A context: a device's primary one, or a green one's own.
typedef struct context {
    int32_t device;
    int32_t retained;
    int32_t streams, greens;  // alive
} context;

typedef struct green {
    context own;         // what cuCtxFromGreenCtx gives
    int32_t device;
    bool alive;
    uint64_t split;
    uint32_t count;      // SMs
    int32_t streams;     // alive
} green;

typedef struct stream {
    bool alive;
    int32_t device;
    int32_t priority;
    green *home;         // null: the whole device
    int64_t free_at;     // when the work queued so far ends, by CLOCK_MONOTONIC
} stream;

typedef struct event {
    bool alive, recorded;
    context *owner;      // the context that was current when it was made
    stream *on;
    uint64_t place;      // of its last record in the order of all operations
    int64_t at;          // when that ends
} event;

typedef enum kind { kind_copy, kind_record, kind_wait } kind;

typedef struct operation {
    kind kind;
    stream *on;
    bool done;
    void *to;
    const void *from;
    size_t bytes;
    stream *other;       // of a wait: whose operations, up to which
    uint64_t place;
} operation;

typedef struct facts {
    int64_t devices, processors, grain, groups_max, memory_mib, copy_engines, version, mig,
        streams_max, generation, width, gigabytes_per_second, lost;
} facts;

typedef struct counts {
    int64_t streams, events, greens, descriptors, device_bytes, pinned_bytes, violations, calls,
        copies, splits, most_streams;
} counts;

extern SHARED pthread_mutex_t standin_lock;
extern SHARED facts standin_facts;
extern SHARED counts standin_counts;
extern SHARED context standin_contexts[device_limit];
extern SHARED bool standin_started;
extern SHARED __thread context *standin_current;

// Every call begins with this, holding the lock: notes it, and says whether it is to fail.
SHARED int32_t standin_enter(const char *call);
// Notes something that the documentation forbids.
SHARED void standin_violation(const char *format, ...);
SHARED int64_t standin_now(void);
// Does all of a stream's operations up to a place in the order of all.
SHARED void standin_do(stream *on, uint64_t place);
SHARED uint64_t standin_queue(operation what);
// Whether a copy that is not done yet reads or writes a range; does all that do.
SHARED bool standin_touches(const char *base, size_t bytes);
SHARED bool standin_is_stream(const stream *one);
SHARED stream *standin_make_stream(int32_t device, int32_t priority, green *home);
SHARED void standin_forget_memory(void);
SHARED void standin_forget_streams(void);
SHARED void standin_forget_greens(void);
SHARED size_t standin_room(const void *place, bool pinned);
SHARED context *standin_here(const char *call);
SHARED context *standin_owner(const stream *one);

// The frame of a call: enter, body, leave.
#define CALL(name)                                                                                \
    pthread_mutex_lock(&standin_lock);                                                            \
    int32_t result = standin_enter(name);                                                         \
    const char *call_name = name;                                                                 \
    (void)call_name;                                                                              \
    if (result != ok) goto leave;
#define GIVE(code)                                                                                \
    do {                                                                                          \
        result = (code);                                                                          \
        goto leave;                                                                               \
    } while (0)
#define END                                                                                       \
    leave:                                                                                        \
    pthread_mutex_unlock(&standin_lock);                                                          \
    return result;
