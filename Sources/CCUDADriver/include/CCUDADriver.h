// The part of NVIDIA's driver interface, and of its management library (NVML), that Sluice calls,
// in declarations of our own.
//
// Both libraries are opened at run time and looked into by name; nothing of CUDA is needed to
// build. Names carry the version whose signature stands here ("cuMemAlloc_v2"): the driver keeps
// old versions under their names for ever. Facts are from NVIDIA's public documentation of the
// driver interface, versions 12.4 to 13.4.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// Things that the driver owns; we only pass their addresses on.
typedef struct ccuda_context ccuda_context;
typedef struct ccuda_stream ccuda_stream;
typedef struct ccuda_event ccuda_event;
typedef struct ccuda_green ccuda_green;
typedef struct ccuda_descriptor ccuda_descriptor;
// A place in a device's memory.
typedef uint64_t ccuda_address;

// What every call returns.
enum : int32_t {
    ccuda_success = 0,
    ccuda_invalid_value = 1,
    ccuda_out_of_memory = 2,
    ccuda_not_initialized = 3,
    ccuda_deinitialized = 4,
    ccuda_device_unavailable = 46,
    ccuda_no_device = 100,
    ccuda_invalid_device = 101,
    ccuda_invalid_context = 201,
    ccuda_ecc_uncorrectable = 214,
    ccuda_invalid_handle = 400,
    ccuda_not_ready = 600,
    ccuda_illegal_address = 700,
    ccuda_launch_timeout = 702,
    ccuda_context_destroyed = 709,
    ccuda_hardware_stack_error = 714,
    ccuda_illegal_instruction = 715,
    ccuda_misaligned_address = 716,
    ccuda_invalid_address_space = 717,
    ccuda_invalid_program_counter = 718,
    ccuda_launch_failed = 719,
    ccuda_not_supported = 801,
    ccuda_driver_mismatch = 803,
    ccuda_invalid_resource_type = 914,
    ccuda_invalid_resource_configuration = 915,
    ccuda_unknown = 999,
};

// Facts of a device, by the driver's numbers.
enum : int32_t {
    ccuda_fact_processors = 16,  // SMs
    ccuda_fact_pci_bus = 33,
    ccuda_fact_pci_device = 34,
    ccuda_fact_l2_bytes = 38,
    ccuda_fact_copy_engines = 40,
    ccuda_fact_pci_domain = 50,
    ccuda_fact_major = 75,  // compute capability
    ccuda_fact_minor = 76,
};

// Other numbers of the interface.
enum : uint32_t {
    ccuda_stream_non_blocking = 1,
    ccuda_event_default = 0,
    ccuda_resource_processors = 1,
    ccuda_green_default_stream = 1,
};

// A set of SMs: opaque but for its type and the facts about SMs. 144 bytes in every version of the
// calls named below; before 13.0 only `count` is filled in, the rest of that block is zero.
typedef struct ccuda_resource {
    uint32_t type;
    unsigned char internal[92];
    uint32_t count;      // SMs
    uint32_t least;      // the smallest part that it can be split into
    uint32_t alignment;  // SMs that are certain to sit together
    uint32_t flags;
    unsigned char rest[24];
    struct ccuda_resource *_Nullable next;
} ccuda_resource;

// The driver's calls. Those that only newer drivers have are null where they are missing.
typedef struct ccuda_calls {
    int32_t (*_Nonnull init)(uint32_t flags);
    int32_t (*_Nonnull driver_version)(int32_t *version);
    int32_t (*_Nonnull error_name)(int32_t, const char *_Nullable *_Nonnull);
    int32_t (*_Nonnull device_count)(int32_t *);
    int32_t (*_Nonnull device)(int32_t *device, int32_t ordinal);
    int32_t (*_Nonnull device_name)(char *, int32_t capacity, int32_t device);
    int32_t (*_Nonnull device_uuid)(uint8_t *bytes16, int32_t device);
    int32_t (*_Nonnull device_fact)(int32_t *, int32_t fact, int32_t device);
    int32_t (*_Nonnull device_memory)(size_t *bytes, int32_t device);
    int32_t (*_Nonnull primary_retain)(ccuda_context *_Nullable *_Nonnull, int32_t device);
    int32_t (*_Nonnull primary_release)(int32_t device);
    int32_t (*_Nonnull set_current)(ccuda_context *_Nullable);
    int32_t (*_Nonnull priority_range)(int32_t *least, int32_t *greatest);
    int32_t (*_Nonnull stream_create)(ccuda_stream *_Nullable *_Nonnull, uint32_t flags,
                                      int32_t priority);
    int32_t (*_Nonnull stream_destroy)(ccuda_stream *);
    int32_t (*_Nonnull stream_synchronize)(ccuda_stream *);
    int32_t (*_Nonnull stream_wait)(ccuda_stream *, ccuda_event *, uint32_t flags);
    int32_t (*_Nonnull event_create)(ccuda_event *_Nullable *_Nonnull, uint32_t flags);
    int32_t (*_Nonnull event_destroy)(ccuda_event *);
    int32_t (*_Nonnull event_record)(ccuda_event *, ccuda_stream *);
    int32_t (*_Nonnull event_synchronize)(ccuda_event *);
    int32_t (*_Nonnull event_elapsed)(float *milliseconds, ccuda_event *from, ccuda_event *to);
    int32_t (*_Nonnull memory_info)(size_t *left, size_t *total);
    int32_t (*_Nonnull memory_take)(ccuda_address *, size_t bytes);
    int32_t (*_Nonnull memory_free)(ccuda_address);
    int32_t (*_Nonnull pinned_take)(void *_Nullable *_Nonnull, size_t bytes, uint32_t flags);
    int32_t (*_Nonnull pinned_free)(void *);
    int32_t (*_Nonnull copy_in)(ccuda_address to, const void *from, size_t bytes, ccuda_stream *);
    int32_t (*_Nonnull copy_out)(void *to, ccuda_address from, size_t bytes, ccuda_stream *);

    // Green contexts: drivers for CUDA 12.4 and later.
    int32_t (*_Nullable device_resource)(int32_t device, ccuda_resource *, uint32_t type);
    int32_t (*_Nullable split_by_count)(ccuda_resource *_Nullable groups, uint32_t *count,
                                        const ccuda_resource *whole,
                                        ccuda_resource *_Nullable rest, uint32_t flags,
                                        uint32_t least);
    int32_t (*_Nullable describe)(ccuda_descriptor *_Nullable *_Nonnull, ccuda_resource *groups,
                                  uint32_t count);
    int32_t (*_Nullable green_create)(ccuda_green *_Nullable *_Nonnull, ccuda_descriptor *,
                                      int32_t device, uint32_t flags);
    int32_t (*_Nullable green_destroy)(ccuda_green *);
    int32_t (*_Nullable green_context)(ccuda_context *_Nullable *_Nonnull, ccuda_green *);
    int32_t (*_Nullable green_stream)(ccuda_stream *_Nullable *_Nonnull, ccuda_green *,
                                      uint32_t flags, int32_t priority);
} ccuda_calls;

typedef struct cnvml_device cnvml_device;

// Memory of a device in bytes.
typedef struct cnvml_memory {
    uint64_t total, left, used;
} cnvml_memory;

enum : uint32_t {
    cnvml_clock_processors = 1,
    cnvml_clock_memory = 2,
};

// The management library's calls; any may be missing, and null then.
typedef struct cnvml_calls {
    int32_t (*_Nullable init)(void);
    int32_t (*_Nullable driver_version)(char *, uint32_t capacity);
    int32_t (*_Nullable device_by_bus)(const char *bus, cnvml_device *_Nullable *_Nonnull);
    int32_t (*_Nullable link_generation)(cnvml_device *, uint32_t *);
    int32_t (*_Nullable link_width)(cnvml_device *, uint32_t *);
    int32_t (*_Nullable instance_mode)(cnvml_device *, uint32_t *now, uint32_t *after_reset);
    int32_t (*_Nullable memory)(cnvml_device *, cnvml_memory *);
    int32_t (*_Nullable clock)(cnvml_device *, uint32_t kind, uint32_t *megahertz);
} cnvml_calls;

// How an attempt to open a library ended.
typedef enum ccuda_opening : int32_t {
    ccuda_opened,
    ccuda_missing,  // no file, or not a library that loads here
    ccuda_foreign,  // a library, but without a call that every driver has; the text names it
} ccuda_opening;

// Opens the driver at `path` and fills in `calls`; nothing of the driver is started. The library
// stays loaded for ever. `text` gets what went wrong.
ccuda_opening ccuda_open(const char *path, ccuda_calls *calls, char *text, size_t capacity);

// The same of the management library.
ccuda_opening cnvml_open(const char *path, cnvml_calls *calls, char *text, size_t capacity);

// Nanoseconds of CLOCK_MONOTONIC.
int64_t ccuda_monotonic(void);

#pragma clang assume_nonnull end
