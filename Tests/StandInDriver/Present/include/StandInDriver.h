// A stand-in for NVIDIA's driver and management library, on host memory.
//
// It answers the calls that Sources/CCUDADriver looks up, records them, holds their caller to the
// documented order and limits, and fails when told to. Copies are done only when somebody waits
// for them, so whoever forgets to wait sees old bytes. Tests open it by its path, as the server
// would the driver, and find the functions below by name.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Forgets everything: what was made, recorded and set. Nothing of before may be used after.
void standin_reset(void);

// Sets a fact: devices, processors, grain, groups_max, memory_mib, copy_engines, version, mig,
// streams_max, generation, width, gigabytes_per_second, lost (1: every call fails from now on).
void standin_set(const char *fact, int64_t value);

// A count: streams, events, greens, descriptors, device_bytes, pinned_bytes, retained, violations,
// calls, copies, splits, most_streams; or a fact of above. -1 where there is none of that name.
int64_t standin_get(const char *name);

// Lets a call fail with `code`: after `skip` calls that go well, `times` times.
void standin_fail(const char *call, int32_t code, int64_t skip, int64_t times);

// Writes what was called, one line each, then the violations; returns the bytes there are.
size_t standin_log(char *text, size_t capacity);

// How many SMs the work of a stream may use; minus its priority for one of the whole device.
int32_t standin_reach(const void *stream);
