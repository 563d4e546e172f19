// Green contexts: sets of SMs, descriptors, contexts over them.
#include "StandIn.h"

typedef struct resource {
    uint32_t type;
    // Of 92 bytes that belong to the driver.
    uint32_t device, origin, group, first;
    uint64_t split;
    unsigned char spare[64];
    uint32_t count, least, alignment, flags;
    unsigned char rest[24];
    struct resource *next;
} resource;

enum { origin_device = 0x51, origin_split = 0x52, origin_rest = 0x53 };

typedef struct descriptor {
    bool alive;
    int32_t device;
    uint64_t split;
    uint32_t count;
} descriptor;

enum { descriptor_limit = 1024, green_limit = 256 };
static descriptor descriptors[descriptor_limit];
static green greens[green_limit];
static uint64_t splits;

void standin_forget_greens(void) {
    memset(descriptors, 0, sizeof descriptors);
    memset(greens, 0, sizeof greens);
}

#ifndef STANDIN_OLD
_Static_assert(sizeof(resource) == 144 && offsetof(resource, count) == 96, "as documented");

static void facts_of(resource *one, uint32_t count, uint32_t grain) {
    one->type = 1;
    one->count = count;
    one->least = one->alignment = grain;
}

int32_t cuDeviceGetDevResource(int32_t device, resource *whole, uint32_t type) {
    CALL("cuDeviceGetDevResource")
    if (device < 0 || device >= standin_facts.devices) GIVE(bad_device);
    if (type != 1) GIVE(bad_value);
    memset(whole, 0, sizeof *whole);
    facts_of(whole, (uint32_t)standin_facts.processors, (uint32_t)standin_facts.grain);
    whole->device = (uint32_t)device;
    whole->origin = origin_device;
    END
}

int32_t cuDevSmResourceSplitByCount(resource *groups, uint32_t *count, const resource *whole,
                                    resource *rest, uint32_t flags, uint32_t least) {
    CALL("cuDevSmResourceSplitByCount")
    if (whole->type != 1 || flags > 3 || least == 0) GIVE(bad_value);
    if (whole->origin != origin_device) {
        standin_violation("%s of a group that was split off already", call_name);
        GIVE(bad_resource);
    }
    uint32_t grain = (uint32_t)standin_facts.grain;
    uint32_t size = (least + grain - 1) / grain * grain;
    uint32_t most = whole->count / size;
    if (most > standin_facts.groups_max) most = (uint32_t)standin_facts.groups_max;
    if (!groups) {
        *count = most;
        GIVE(ok);
    }
    if (most == 0) GIVE(bad_resource);
    uint32_t made = *count < most ? *count : most;
    uint64_t split = ++splits;
    standin_counts.splits++;
    for (uint32_t group = 0; group < made; group++) {
        memset(&groups[group], 0, sizeof *groups);
        facts_of(&groups[group], size, grain);
        groups[group].device = whole->device;
        groups[group].origin = origin_split;
        groups[group].group = group;
        groups[group].first = group * size;
        groups[group].split = split;
    }
    if (rest) {
        memset(rest, 0, sizeof *rest);
        uint32_t left = whole->count - made * size;
        facts_of(rest, left, left % grain == 0 ? grain : 2);
        if (left == 0) rest->type = 0;
        rest->device = whole->device;
        rest->origin = origin_rest;
        rest->group = group_limit;
        rest->split = split;
    }
    *count = made;
    END
}

int32_t cuDevResourceGenerateDesc(descriptor **made, resource *groups, uint32_t count) {
    CALL("cuDevResourceGenerateDesc")
    if (count == 0 || !groups) GIVE(bad_value);
    uint32_t total = 0;
    for (uint32_t place = 0; place < count; place++) {
        const resource *one = &groups[place];
        if (one->type != 1) GIVE(bad_value);
        if (count > 1 && (one->split == 0 || one->split != groups[0].split
                          || one->device != groups[0].device
                          || one->alignment != groups[0].alignment)) {
            standin_violation("%s of groups of different splits or alignments", call_name);
            GIVE(bad_resource);
        }
        for (uint32_t before = 0; before < place; before++) {
            if (groups[before].group != one->group) continue;
            standin_violation("%s with a group twice", call_name);
            GIVE(bad_resource);
        }
        total += one->count;
    }
    for (int place = 0; place < descriptor_limit; place++) {
        if (descriptors[place].alive) continue;
        descriptors[place] = (descriptor){.alive = true, .device = (int32_t)groups[0].device,
                                          .split = groups[0].split, .count = total};
        standin_counts.descriptors++;
        *made = &descriptors[place];
        GIVE(ok);
    }
    result = no_memory;
    END
}

int32_t cuGreenCtxCreate(green **made, descriptor *from, int32_t device, uint32_t flags) {
    CALL("cuGreenCtxCreate")
    if (from < descriptors || from >= descriptors + descriptor_limit || !from->alive
        || from->device != device || flags != 1) {
        GIVE(bad_value);
    }
    if (standin_contexts[device].retained == 0) {
        standin_violation("%s without a retained primary context", call_name);
        GIVE(bad_context);
    }
    for (int place = 0; place < green_limit; place++) {
        if (greens[place].alive) continue;
        greens[place] = (green){.device = device, .alive = true, .split = from->split,
                                .count = from->count,
                                .own = {.device = device, .retained = 1}};
        standin_counts.greens++;
        standin_contexts[device].greens++;
        // There is no call to give a descriptor back; it is used up here.
        from->alive = false;
        standin_counts.descriptors--;
        *made = &greens[place];
        GIVE(ok);
    }
    result = no_memory;
    END
}

static bool is_green(const green *one) {
    return one >= greens && one < greens + green_limit && one->alive;
}

int32_t cuGreenCtxDestroy(green *one) {
    CALL("cuGreenCtxDestroy")
    if (!is_green(one)) {
        standin_violation("%s of a green context that is not there", call_name);
        GIVE(bad_context);
    }
    if (one->streams > 0) {
        standin_violation("%s with %d streams alive", call_name, one->streams);
    }
    one->alive = false;
    one->own.retained = 0;
    standin_counts.greens--;
    standin_contexts[one->device].greens--;
    END
}

int32_t cuCtxFromGreenCtx(context **made, green *one) {
    CALL("cuCtxFromGreenCtx")
    if (!is_green(one)) GIVE(bad_context);
    *made = &one->own;
    END
}

int32_t cuGreenCtxStreamCreate(stream **made, green *home, uint32_t flags, int32_t priority) {
    CALL("cuGreenCtxStreamCreate")
    if (!is_green(home)) {
        standin_violation("%s on a green context that is not there", call_name);
        GIVE(bad_context);
    }
    if (flags != 1) {
        standin_violation("%s needs the flag for non-blocking streams", call_name);
        GIVE(bad_value);
    }
    *made = standin_make_stream(home->device, priority, home);
    if (!*made) GIVE(no_memory);
    END
}
#endif
