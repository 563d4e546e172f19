// The management library's part.
#include "StandIn.h"

typedef struct management {
    int32_t device;
} management;

typedef struct memory {
    uint64_t total, left, used;
} memory;

static management devices[device_limit];

int32_t nvmlInit_v2(void) {
    CALL("nvmlInit_v2")
    END
}

int32_t nvmlSystemGetDriverVersion(char *text, uint32_t capacity) {
    CALL("nvmlSystemGetDriverVersion")
    snprintf(text, capacity, "999.13.10");
    END
}

int32_t nvmlDeviceGetHandleByPciBusId_v2(const char *bus, management **device) {
    CALL("nvmlDeviceGetHandleByPciBusId_v2")
    unsigned domain, number, slot;
    if (sscanf(bus, "%x:%x:%x", &domain, &number, &slot) != 3) GIVE(2);
    int32_t place = (int32_t)number - 0x41;
    if (place < 0 || place >= standin_facts.devices) GIVE(6);
    devices[place].device = place;
    *device = &devices[place];
    END
}

int32_t nvmlDeviceGetMaxPcieLinkGeneration(management *device, uint32_t *value) {
    CALL("nvmlDeviceGetMaxPcieLinkGeneration")
    (void)device;
    *value = (uint32_t)standin_facts.generation;
    END
}

int32_t nvmlDeviceGetMaxPcieLinkWidth(management *device, uint32_t *value) {
    CALL("nvmlDeviceGetMaxPcieLinkWidth")
    (void)device;
    *value = (uint32_t)standin_facts.width;
    END
}

int32_t nvmlDeviceGetMigMode(management *device, uint32_t *now, uint32_t *after) {
    CALL("nvmlDeviceGetMigMode")
    (void)device;
    *now = *after = (uint32_t)standin_facts.mig;
    END
}

int32_t nvmlDeviceGetMemoryInfo(management *device, memory *info) {
    CALL("nvmlDeviceGetMemoryInfo")
    (void)device;
    info->total = (uint64_t)standin_facts.memory_mib << 20;
    info->used = (uint64_t)standin_counts.device_bytes;
    info->left = info->total - info->used;
    END
}

int32_t nvmlDeviceGetClockInfo(management *device, uint32_t kind, uint32_t *megahertz) {
    CALL("nvmlDeviceGetClockInfo")
    (void)device;
    *megahertz = kind == 1 ? 1980 : 2619;
    END
}
