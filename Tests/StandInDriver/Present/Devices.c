// Devices, their facts and their primary contexts.
#include "StandIn.h"

static const char *const names[] = {
    [0] = "no error", [bad_value] = "CUDA_ERROR_INVALID_VALUE",
    [no_memory] = "CUDA_ERROR_OUT_OF_MEMORY", [not_initialized] = "CUDA_ERROR_NOT_INITIALIZED",
    [no_device] = "CUDA_ERROR_NO_DEVICE", [bad_device] = "CUDA_ERROR_INVALID_DEVICE",
    [bad_context] = "CUDA_ERROR_INVALID_CONTEXT", [bad_handle] = "CUDA_ERROR_INVALID_HANDLE",
    [not_ready] = "CUDA_ERROR_NOT_READY", [launch_failed] = "CUDA_ERROR_LAUNCH_FAILED",
    [not_supported] = "CUDA_ERROR_NOT_SUPPORTED",
    [bad_resource] = "CUDA_ERROR_INVALID_RESOURCE_CONFIGURATION",
};

int32_t cuInit(uint32_t flags) {
    CALL("cuInit")
    if (flags != 0) GIVE(bad_value);
    if (standin_facts.devices == 0) GIVE(no_device);
    standin_started = true;
    END
}

int32_t cuDriverGetVersion(int32_t *version) {
    CALL("cuDriverGetVersion")
    *version = (int32_t)standin_facts.version;
    END
}

int32_t cuGetErrorName(int32_t code, const char **name) {
    if (code < 0 || code > bad_resource || !names[code]) return bad_value;
    *name = names[code];
    return ok;
}

static bool is_device(int32_t device) { return device >= 0 && device < standin_facts.devices; }

int32_t cuDeviceGetCount(int32_t *count) {
    CALL("cuDeviceGetCount")
    *count = (int32_t)standin_facts.devices;
    END
}

int32_t cuDeviceGet(int32_t *device, int32_t ordinal) {
    CALL("cuDeviceGet")
    if (!is_device(ordinal)) GIVE(bad_device);
    *device = ordinal;
    END
}

int32_t cuDeviceGetName(char *name, int32_t capacity, int32_t device) {
    CALL("cuDeviceGetName")
    if (!is_device(device)) GIVE(bad_device);
    snprintf(name, (size_t)capacity, "NVIDIA Stand-in %d%s", device,
             standin_facts.mig ? " MIG 1g.10gb" : "");
    END
}

int32_t cuDeviceGetUuid_v2(uint8_t *bytes, int32_t device) {
    CALL("cuDeviceGetUuid_v2")
    if (!is_device(device)) GIVE(bad_device);
    for (int place = 0; place < 16; place++) bytes[place] = (uint8_t)(16 * device + place);
    END
}

int32_t cuDeviceGetAttribute(int32_t *value, int32_t fact, int32_t device) {
    CALL("cuDeviceGetAttribute")
    if (!is_device(device)) GIVE(bad_device);
    switch (fact) {
    case 16: *value = (int32_t)standin_facts.processors; break;
    case 33: *value = 0x41 + device; break;
    case 34: *value = 0; break;
    case 38: *value = 50 << 20; break;
    case 40: *value = (int32_t)standin_facts.copy_engines; break;
    case 50: *value = 0; break;
    case 75: *value = 9; break;
    case 76: *value = 0; break;
    default: GIVE(bad_value);
    }
    END
}

int32_t cuDeviceTotalMem_v2(size_t *bytes, int32_t device) {
    CALL("cuDeviceTotalMem_v2")
    if (!is_device(device)) GIVE(bad_device);
    *bytes = (size_t)standin_facts.memory_mib << 20;
    END
}

int32_t cuDevicePrimaryCtxRetain(context **made, int32_t device) {
    CALL("cuDevicePrimaryCtxRetain")
    if (!is_device(device)) GIVE(bad_device);
    standin_contexts[device].device = device;
    standin_contexts[device].retained++;
    *made = &standin_contexts[device];
    END
}

int32_t cuDevicePrimaryCtxRelease_v2(int32_t device) {
    CALL("cuDevicePrimaryCtxRelease_v2")
    if (!is_device(device) || standin_contexts[device].retained == 0) {
        standin_violation("%s of a context that nobody holds", call_name);
        GIVE(bad_context);
    }
    if (--standin_contexts[device].retained == 0) {
        if (standin_contexts[device].greens > 0) {
            standin_violation("%s with green contexts alive", call_name);
        }
        if (standin_contexts[device].streams > 0) {
            standin_violation("%s with streams alive", call_name);
        }
    }
    END
}

int32_t cuCtxSetCurrent(context *one) {
    CALL("cuCtxSetCurrent")
    if (one && one->retained == 0) {
        standin_violation("%s of a context that nobody holds", call_name);
        GIVE(bad_context);
    }
    standin_current = one;
    END
}

int32_t cuCtxGetStreamPriorityRange(int32_t *least, int32_t *greatest) {
    CALL("cuCtxGetStreamPriorityRange")
    if (!standin_here(call_name)) GIVE(bad_context);
    *least = 0;
    *greatest = -5;
    END
}
