// Streams, events, and the order in which what they hold is done.
#include "StandIn.h"

#include <time.h>

enum { stream_limit = 1024, event_limit = 8192 };
static stream streams[stream_limit];
static event events[event_limit];
static operation *operations;
static uint64_t first_place = 1, count, capacity;

void standin_forget_streams(void) {
    memset(streams, 0, sizeof streams);
    memset(events, 0, sizeof events);
    free(operations);
    operations = NULL;
    count = capacity = 0;
    first_place = 1;
}

uint64_t standin_queue(operation what) {
    if (count == capacity) {
        capacity = capacity ? 2 * capacity : 256;
        operations = realloc(operations, capacity * sizeof *operations);
        if (!operations) abort();
    }
    operations[count++] = what;
    return first_place + count - 1;
}

static void sweep(void) {
    uint64_t done = 0;
    while (done < count && operations[done].done) done++;
    if (done == 0) return;
    memmove(operations, operations + done, (count - done) * sizeof *operations);
    count -= done;
    first_place += done;
}

static void carry_out(stream *on, uint64_t place) {
    for (uint64_t at = 0; at < count && first_place + at <= place; at++) {
        operation *one = &operations[at];
        if (one->done || one->on != on) continue;
        one->done = true;
        if (one->kind == kind_wait) carry_out(one->other, one->place);
        if (one->kind == kind_copy) memcpy(one->to, one->from, one->bytes);
    }
}

void standin_do(stream *on, uint64_t place) {
    carry_out(on, place);
    sweep();
}

bool standin_touches(const char *base, size_t bytes) {
    bool found = false;
    for (uint64_t at = 0; at < count; at++) {
        operation *one = &operations[at];
        if (one->done || one->kind != kind_copy) continue;
        const char *to = one->to, *from = one->from;
        bool touches = (to >= base && to < base + bytes) || (from >= base && from < base + bytes);
        if (!touches) continue;
        found = true;
        one->done = true;
        memcpy(one->to, one->from, one->bytes);
    }
    sweep();
    return found;
}

bool standin_is_stream(const stream *one) {
    return one >= streams && one < streams + stream_limit && one->alive;
}

stream *standin_make_stream(int32_t device, int32_t priority, green *home) {
    if (standin_counts.streams >= standin_facts.streams_max) return NULL;
    for (int place = 0; place < stream_limit; place++) {
        if (streams[place].alive) continue;
        int32_t within = priority > 0 ? 0 : priority < -5 ? -5 : priority;
        streams[place] = (stream){.alive = true, .device = device, .priority = within,
                                  .home = home};
        standin_counts.streams++;
        standin_contexts[device].streams++;
        if (standin_counts.streams > standin_counts.most_streams) {
            standin_counts.most_streams = standin_counts.streams;
        }
        if (home) home->streams++;
        return &streams[place];
    }
    return NULL;
}

context *standin_owner(const stream *one) {
    return one->home ? &one->home->own : &standin_contexts[one->device];
}

int32_t standin_reach(const void *one) {
    const stream *on = one;
    if (!standin_is_stream(on)) return 0;
    return on->home ? (int32_t)on->home->count : -1 + on->priority;
}

int32_t cuStreamCreateWithPriority(stream **made, uint32_t flags, int32_t priority) {
    CALL("cuStreamCreateWithPriority")
    context *here = standin_here(call_name);
    if (!here) GIVE(bad_context);
    if (flags > 1) GIVE(bad_value);
    *made = standin_make_stream(here->device, priority, NULL);
    if (!*made) GIVE(no_memory);
    END
}

static bool usable(const stream *one, const char *call) {
    if (!standin_is_stream(one)) {
        standin_violation("%s with a stream that is not there", call);
        return false;
    }
    if (one->home && !one->home->alive) {
        standin_violation("%s with a stream whose green context is gone", call);
        return false;
    }
    return true;
}

int32_t cuStreamDestroy_v2(stream *one) {
    CALL("cuStreamDestroy_v2")
    if (!standin_is_stream(one)) {
        standin_violation("%s of a stream that is not there", call_name);
        GIVE(bad_handle);
    }
    standin_do(one, UINT64_MAX);
    one->alive = false;
    if (one->home) one->home->streams--;
    standin_counts.streams--;
    standin_contexts[one->device].streams--;
    END
}

static void wait_until(int64_t end) {
    while (standin_now() < end) {
        struct timespec pause = {.tv_nsec = 20000};
        nanosleep(&pause, NULL);
    }
}

int32_t cuStreamSynchronize(stream *one) {
    CALL("cuStreamSynchronize")
    if (!usable(one, call_name)) GIVE(bad_handle);
    int64_t end = one->free_at;
    pthread_mutex_unlock(&standin_lock);
    wait_until(end);
    pthread_mutex_lock(&standin_lock);
    standin_do(one, UINT64_MAX);
    END
}

static bool is_event(const event *one) {
    return one >= events && one < events + event_limit && one->alive;
}

int32_t cuEventCreate(event **made, uint32_t flags) {
    CALL("cuEventCreate")
    context *here = standin_here(call_name);
    if (!here) GIVE(bad_context);
    if (flags > 3) GIVE(bad_value);
    for (int place = 0; place < event_limit; place++) {
        if (events[place].alive) continue;
        events[place] = (event){.alive = true, .owner = here};
        standin_counts.events++;
        *made = &events[place];
        GIVE(ok);
    }
    result = no_memory;
    END
}

int32_t cuEventDestroy_v2(event *one) {
    CALL("cuEventDestroy_v2")
    if (!is_event(one)) {
        standin_violation("%s of an event that is not there", call_name);
        GIVE(bad_handle);
    }
    one->alive = false;
    standin_counts.events--;
    END
}

int32_t cuEventRecord(event *one, stream *on) {
    CALL("cuEventRecord")
    if (!is_event(one) || !usable(on, call_name)) GIVE(bad_handle);
    if (one->owner != standin_owner(on)) {
        standin_violation("%s on a stream of another context than the event's", call_name);
        GIVE(bad_handle);
    }
    int64_t now = standin_now();
    if (on->free_at < now) on->free_at = now;
    one->recorded = true;
    one->on = on;
    one->at = on->free_at;
    one->place = standin_queue((operation){.kind = kind_record, .on = on});
    END
}

int32_t cuStreamWaitEvent(stream *on, event *one, uint32_t flags) {
    CALL("cuStreamWaitEvent")
    if (!is_event(one) || !usable(on, call_name) || flags != 0) GIVE(bad_handle);
    if (!one->recorded) GIVE(ok);
    if (on->free_at < one->at) on->free_at = one->at;
    standin_queue((operation){.kind = kind_wait, .on = on, .other = one->on,
                              .place = one->place});
    END
}

int32_t cuEventSynchronize(event *one) {
    CALL("cuEventSynchronize")
    if (!is_event(one)) GIVE(bad_handle);
    if (!one->recorded) GIVE(ok);
    int64_t end = one->at;
    pthread_mutex_unlock(&standin_lock);
    wait_until(end);
    pthread_mutex_lock(&standin_lock);
    standin_do(one->on, one->place);
    END
}

int32_t cuEventElapsedTime(float *milliseconds, event *from, event *to) {
    CALL("cuEventElapsedTime")
    if (!is_event(from) || !is_event(to) || !from->recorded || !to->recorded) GIVE(bad_handle);
    if (from->owner != to->owner) {
        standin_violation("%s of events of two contexts", call_name);
        GIVE(bad_handle);
    }
    if (standin_now() < from->at || standin_now() < to->at) GIVE(not_ready);
    *milliseconds = (float)((double)(to->at - from->at) / 1e6);
    END
}
