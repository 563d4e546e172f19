#include "CONNXRuntime.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The one symbol of the library leads to these two; they never change.
typedef struct connx_base {
    const void *const *(*table)(uint32_t version);
    const char *(*version)(void);
} connx_base;

// Our name and the slot of the library's table, ascending.
#define CONNX_SLOTS(slot)                                                                         \
    slot(status_code, 1)                                                                          \
    slot(status_message, 2)                                                                       \
    slot(create_env, 4)                                                                           \
    slot(create_session, 7)                                                                       \
    slot(create_session_options, 10)                                                              \
    slot(set_optimized_model_path, 11)                                                            \
    slot(set_execution_mode, 13)                                                                  \
    slot(enable_memory_pattern, 16)                                                               \
    slot(disable_memory_pattern, 17)                                                              \
    slot(disable_arena, 19)                                                                       \
    slot(set_session_severity, 22)                                                                \
    slot(set_graph_level, 23)                                                                     \
    slot(set_intra_threads, 24)                                                                   \
    slot(set_inter_threads, 25)                                                                   \
    slot(input_count, 30)                                                                         \
    slot(output_count, 31)                                                                        \
    slot(overridable_count, 32)                                                                   \
    slot(input_type, 33)                                                                          \
    slot(output_type, 34)                                                                         \
    slot(overridable_type, 35)                                                                    \
    slot(input_name, 36)                                                                          \
    slot(output_name, 37)                                                                         \
    slot(overridable_name, 38)                                                                    \
    slot(create_run_options, 39)                                                                  \
    slot(set_terminate, 46)                                                                       \
    slot(create_tensor, 48)                                                                       \
    slot(create_tensor_over, 49)                                                                  \
    slot(tensor_bytes, 51)                                                                        \
    slot(strings_length, 53)                                                                      \
    slot(strings_content, 54)                                                                     \
    slot(as_tensor_info, 55)                                                                      \
    slot(element_type, 60)                                                                        \
    slot(rank, 61)                                                                                \
    slot(dims, 62)                                                                                \
    slot(tensor_info, 65)                                                                         \
    slot(create_memory_info, 68)                                                                  \
    slot(create_cpu_memory_info, 69)                                                              \
    slot(allocator_free, 76)                                                                      \
    slot(default_allocator, 78)                                                                   \
    slot(release_env, 92)                                                                         \
    slot(release_status, 93)                                                                      \
    slot(release_memory_info, 94)                                                                 \
    slot(release_session, 95)                                                                     \
    slot(release_value, 96)                                                                       \
    slot(release_run_options, 97)                                                                 \
    slot(release_type_info, 98)                                                                   \
    slot(release_tensor_info, 99)                                                                 \
    slot(release_session_options, 100)                                                            \
    slot(available_providers, 125)                                                                \
    slot(release_providers, 126)                                                                  \
    slot(add_session_entry, 130)                                                                  \
    slot(run, 133)                                                                                \
    slot(create_binding, 134)                                                                     \
    slot(release_binding, 135)                                                                    \
    slot(bind_input, 136)                                                                         \
    slot(bind_output, 137)                                                                        \
    slot(bind_output_to_device, 138)                                                              \
    slot(bound_outputs, 140)                                                                      \
    slot(clear_inputs, 141)                                                                       \
    slot(clear_outputs, 142)                                                                      \
    slot(register_allocator, 144)                                                                 \
    slot(add_initializer, 150)                                                                    \
    slot(release_arena_config, 157)                                                               \
    slot(create_arena_config, 164)                                                                \
    slot(add_run_entry, 165)                                                                      \
    slot(create_prepacked, 166)                                                                   \
    slot(release_prepacked, 167)                                                                  \
    slot(create_session_prepacked, 168)                                                           \
    slot(set_create_thread, 196)                                                                  \
    slot(set_thread_context, 197)                                                                 \
    slot(set_join_thread, 198)                                                                    \
    slot(append_cuda, 204)                                                                        \
    slot(create_cuda_options, 205)                                                                \
    slot(update_cuda_options, 206)                                                                \
    slot(release_cuda_options, 208)                                                               \
    slot(string_buffer, 252)

#define CONNX_COUNT(name, index) +1
_Static_assert(sizeof(connx_calls) / sizeof(void *) == CONNX_SLOTS(CONNX_COUNT),
               "every call has a slot");

static void say(char *text, size_t capacity, const char *words) {
    if (capacity > 0) {
        snprintf(text, capacity, "%s", words ? words : "");
    }
}

connx_opening connx_open(const char *path, connx_calls *calls, char *text, size_t capacity) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        say(text, capacity, dlerror());
        return connx_missing;
    }
    const connx_base *(*base_function)(void) = NULL;
    void *symbol = dlsym(library, "OrtGetApiBase");
    if (!symbol) {
        say(text, capacity, dlerror());
        dlclose(library);
        return connx_foreign;
    }
    memcpy(&base_function, &symbol, sizeof symbol);
    const connx_base *base = base_function();
    const char *version = base->version();
    say(text, capacity, version);
    // The library complains on standard error about versions that it does not have, so the
    // version string is asked first: 1.x.y has interface version x.
    char *rest = NULL;
    long major = strtol(version, &rest, 10);
    long minor = rest && *rest == '.' ? strtol(rest + 1, NULL, 10) : 0;
    if (major < 1 || (major == 1 && minor < CONNX_API_VERSION)) {
        return connx_too_old;
    }
    const void *const *table = base->table(CONNX_API_VERSION);
    if (!table) {
        return connx_too_old;
    }
#define CONNX_TAKE(name, index) memcpy(&calls->name, &table[index], sizeof(void *));
    CONNX_SLOTS(CONNX_TAKE)
    return connx_opened;
}
