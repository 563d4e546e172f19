// Memory of devices, which is memory of the host here, and copies.
#include "StandIn.h"

typedef struct block {
    struct block *next;
    char *base;
    size_t bytes;
    bool pinned;
} block;

static block *blocks;
static int64_t engine_free_at[2];  // by direction: in, out

void standin_forget_memory(void) {
    while (blocks) {
        block *next = blocks->next;
        free(blocks->base);
        free(blocks);
        blocks = next;
    }
    engine_free_at[0] = engine_free_at[1] = 0;
}

size_t standin_room(const void *place, bool pinned) {
    for (block *one = blocks; one; one = one->next) {
        const char *at = place;
        if (one->pinned == pinned && at >= one->base && at <= one->base + one->bytes) {
            return (size_t)(one->base + one->bytes - at);
        }
    }
    return 0;
}

static block *take(size_t bytes, bool pinned) {
    block *one = calloc(1, sizeof *one);
    size_t rounded = (bytes + 255) / 256 * 256;
    one->base = aligned_alloc(256, rounded);
    // What nobody has written yet is told from what was copied there; a mebibyte will do.
    memset(one->base, 0xA5, rounded < 1 << 20 ? rounded : 1 << 20);
    one->bytes = bytes;
    one->pinned = pinned;
    one->next = blocks;
    blocks = one;
    *(pinned ? &standin_counts.pinned_bytes : &standin_counts.device_bytes) += (int64_t)bytes;
    return one;
}

static bool give_back(const void *base, bool pinned) {
    for (block **one = &blocks; *one; one = &(*one)->next) {
        if ((*one)->base != base || (*one)->pinned != pinned) continue;
        block *gone = *one;
        if (standin_touches(gone->base, gone->bytes)) {
            standin_violation("memory given back with a copy under way");
        }
        *one = gone->next;
        *(pinned ? &standin_counts.pinned_bytes : &standin_counts.device_bytes) -=
            (int64_t)gone->bytes;
        free(gone->base);
        free(gone);
        return true;
    }
    return false;
}

int32_t cuMemGetInfo_v2(size_t *left, size_t *total) {
    CALL("cuMemGetInfo_v2")
    if (!standin_here(call_name)) GIVE(bad_context);
    *total = (size_t)standin_facts.memory_mib << 20;
    *left = *total - (size_t)standin_counts.device_bytes;
    END
}

int32_t cuMemAlloc_v2(uint64_t *address, size_t bytes) {
    CALL("cuMemAlloc_v2")
    if (!standin_here(call_name)) GIVE(bad_context);
    if (bytes == 0) GIVE(bad_value);
    int64_t total = standin_facts.memory_mib << 20;
    if ((int64_t)bytes > total - standin_counts.device_bytes) GIVE(no_memory);
    *address = (uint64_t)(uintptr_t)take(bytes, false)->base;
    END
}

int32_t cuMemFree_v2(uint64_t address) {
    CALL("cuMemFree_v2")
    if (!standin_here(call_name)) GIVE(bad_context);
    if (!give_back((void *)(uintptr_t)address, false)) {
        standin_violation("%s of memory that is not there", call_name);
        GIVE(bad_value);
    }
    END
}

int32_t cuMemHostAlloc(void **base, size_t bytes, uint32_t flags) {
    CALL("cuMemHostAlloc")
    if (!standin_here(call_name)) GIVE(bad_context);
    if (bytes == 0 || flags > 7) GIVE(bad_value);
    *base = take(bytes, true)->base;
    END
}

int32_t cuMemFreeHost(void *base) {
    CALL("cuMemFreeHost")
    if (!standin_here(call_name)) GIVE(bad_context);
    if (!give_back(base, true)) {
        standin_violation("%s of memory that is not there", call_name);
        GIVE(bad_value);
    }
    END
}

static int32_t copy(const char *call, void *to, const void *from, size_t bytes, stream *on,
                    int direction) {
    if (!standin_here(call)) return bad_context;
    if (!standin_is_stream(on)) {
        standin_violation("%s with a stream that is not there", call);
        return bad_handle;
    }
    if (standin_room(direction ? from : to, false) < bytes) {
        standin_violation("%s beyond the device's memory", call);
        return bad_value;
    }
    if (standin_room(direction ? to : from, true) < bytes) {
        standin_violation("%s with memory that is not pinned", call);
        return bad_value;
    }
    int engine = standin_facts.copy_engines > 1 ? direction : 0;
    int64_t begin = standin_now();
    if (begin < on->free_at) begin = on->free_at;
    if (begin < engine_free_at[engine]) begin = engine_free_at[engine];
    int64_t rate = standin_facts.gigabytes_per_second;
    on->free_at = begin + 2000 + (rate > 0 ? (int64_t)bytes / rate : 0);
    engine_free_at[engine] = on->free_at;
    standin_counts.copies++;
    standin_queue((operation){.kind = kind_copy, .on = on, .to = to, .from = from,
                              .bytes = bytes});
    return ok;
}

int32_t cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t bytes, stream *on) {
    CALL("cuMemcpyHtoDAsync_v2")
    result = copy(call_name, (void *)(uintptr_t)to, from, bytes, on, 0);
    END
}

int32_t cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t bytes, stream *on) {
    CALL("cuMemcpyDtoHAsync_v2")
    result = copy(call_name, to, (const void *)(uintptr_t)from, bytes, on, 1);
    END
}
