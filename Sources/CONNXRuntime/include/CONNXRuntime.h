// The part of ONNX Runtime's C interface that Sluice calls, in declarations of our own.
//
// The library hands out one table of function pointers that is only ever appended to, so a slot's
// number never changes meaning. `connx_open` copies the slots we need into `connx_calls`; nothing
// else of the table is looked at. Slots and signatures were checked against version 1.31.1 by
// calling every one of them (Tests/EngineONNXTests).
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// The oldest library that will do: version 1.17, since 1.x has interface version x.
#define CONNX_API_VERSION 17

// Things that the library owns; we only pass their addresses on.
typedef struct connx_status connx_status;
typedef struct connx_env connx_env;
typedef struct connx_session connx_session;
typedef struct connx_session_options connx_session_options;
typedef struct connx_run_options connx_run_options;
typedef struct connx_value connx_value;
typedef struct connx_binding connx_binding;
typedef struct connx_allocator connx_allocator;
typedef struct connx_memory_info connx_memory_info;
typedef struct connx_arena_config connx_arena_config;
typedef struct connx_type_info connx_type_info;
typedef struct connx_tensor_info connx_tensor_info;
typedef struct connx_prepacked connx_prepacked;
typedef struct connx_thread connx_thread;
typedef struct connx_cuda_options connx_cuda_options;

// What every call that can fail returns: null is success, the rest must be released.
typedef connx_status *_Nullable connx_result;

// Error codes of a status that are told apart.
enum : int32_t {
    connx_code_invalid_argument = 2,
    connx_code_no_such_file = 3,
    connx_code_invalid_protobuf = 7,
};

// Element types by the library's numbers.
enum : int32_t {
    connx_type_fp32 = 1,
    connx_type_uint8 = 2,
    connx_type_int8 = 3,
    connx_type_uint16 = 4,
    connx_type_int16 = 5,
    connx_type_int32 = 6,
    connx_type_int64 = 7,
    connx_type_string = 8,
    connx_type_bool = 9,
    connx_type_fp16 = 10,
    connx_type_fp64 = 11,
    connx_type_uint32 = 12,
    connx_type_uint64 = 13,
    connx_type_bf16 = 16,
};

// Other numbers of the interface.
enum : int32_t {
    connx_log_verbose = 0,
    connx_log_error = 3,
    connx_log_fatal = 4,
    connx_run_sequential = 0,
    connx_run_parallel = 1,
    connx_graph_none = 0,
    connx_graph_basic = 1,
    connx_graph_extended = 2,
    connx_graph_all = 99,
    connx_allocator_device = 0,
    connx_allocator_arena = 1,
    connx_memory_default = 0,
};

// Takes a line of the library's log.
typedef void (*connx_log_function)(void *_Nullable context, int32_t severity, const char *category,
                                   const char *log_id, const char *location, const char *message);

// What a thread of a session's pool has to run.
typedef void (*connx_worker)(void *_Nullable argument);
// Starts a thread; null where none could be had.
typedef connx_thread *_Nullable (*connx_create_thread)(void *_Nullable context,
                                                       connx_worker worker,
                                                       void *_Nullable argument);
// Waits for a thread's end.
typedef void (*connx_join_thread)(connx_thread *thread);

// The calls, by our own names, in the order of their slots.
typedef struct connx_calls {
    int32_t (*_Nonnull status_code)(const connx_status *);
    const char *_Nonnull (*_Nonnull status_message)(const connx_status *);
    connx_result (*_Nonnull create_env)(connx_log_function, void *_Nullable context,
                                        int32_t severity, const char *log_id,
                                        connx_env *_Nullable *_Nonnull);
    connx_result (*_Nonnull create_session)(const connx_env *, const char *path,
                                            const connx_session_options *,
                                            connx_session *_Nullable *_Nonnull);
    connx_result (*_Nonnull create_session_options)(connx_session_options *_Nullable *_Nonnull);
    connx_result (*_Nonnull set_optimized_model_path)(connx_session_options *, const char *path);
    connx_result (*_Nonnull set_execution_mode)(connx_session_options *, int32_t);
    connx_result (*_Nonnull enable_memory_pattern)(connx_session_options *);
    connx_result (*_Nonnull disable_memory_pattern)(connx_session_options *);
    connx_result (*_Nonnull disable_arena)(connx_session_options *);
    connx_result (*_Nonnull set_session_severity)(connx_session_options *, int32_t);
    connx_result (*_Nonnull set_graph_level)(connx_session_options *, int32_t);
    connx_result (*_Nonnull set_intra_threads)(connx_session_options *, int32_t);
    connx_result (*_Nonnull set_inter_threads)(connx_session_options *, int32_t);
    connx_result (*_Nonnull input_count)(const connx_session *, size_t *);
    connx_result (*_Nonnull output_count)(const connx_session *, size_t *);
    connx_result (*_Nonnull overridable_count)(const connx_session *, size_t *);
    connx_result (*_Nonnull input_type)(const connx_session *, size_t,
                                        connx_type_info *_Nullable *_Nonnull);
    connx_result (*_Nonnull output_type)(const connx_session *, size_t,
                                         connx_type_info *_Nullable *_Nonnull);
    connx_result (*_Nonnull overridable_type)(const connx_session *, size_t,
                                              connx_type_info *_Nullable *_Nonnull);
    connx_result (*_Nonnull input_name)(const connx_session *, size_t, connx_allocator *,
                                        char *_Nullable *_Nonnull);
    connx_result (*_Nonnull output_name)(const connx_session *, size_t, connx_allocator *,
                                         char *_Nullable *_Nonnull);
    connx_result (*_Nonnull overridable_name)(const connx_session *, size_t, connx_allocator *,
                                              char *_Nullable *_Nonnull);
    connx_result (*_Nonnull create_run_options)(connx_run_options *_Nullable *_Nonnull);
    connx_result (*_Nonnull set_terminate)(connx_run_options *);
    connx_result (*_Nonnull create_tensor)(connx_allocator *, const int64_t *_Nullable dims,
                                           size_t rank, int32_t type,
                                           connx_value *_Nullable *_Nonnull);
    connx_result (*_Nonnull create_tensor_over)(const connx_memory_info *, void *bytes,
                                                size_t count, const int64_t *_Nullable dims,
                                                size_t rank, int32_t type,
                                                connx_value *_Nullable *_Nonnull);
    connx_result (*_Nonnull tensor_bytes)(connx_value *, void *_Nullable *_Nonnull);
    connx_result (*_Nonnull strings_length)(const connx_value *, size_t *);
    connx_result (*_Nonnull strings_content)(const connx_value *, void *bytes, size_t count,
                                             size_t *offsets, size_t elements);
    connx_result (*_Nonnull as_tensor_info)(const connx_type_info *,
                                            const connx_tensor_info *_Nullable *_Nonnull);
    connx_result (*_Nonnull element_type)(const connx_tensor_info *, int32_t *);
    connx_result (*_Nonnull rank)(const connx_tensor_info *, size_t *);
    connx_result (*_Nonnull dims)(const connx_tensor_info *, int64_t *, size_t rank);
    connx_result (*_Nonnull tensor_info)(const connx_value *,
                                         connx_tensor_info *_Nullable *_Nonnull);
    connx_result (*_Nonnull create_memory_info)(const char *name, int32_t allocator,
                                                int32_t device, int32_t memory,
                                                connx_memory_info *_Nullable *_Nonnull);
    connx_result (*_Nonnull create_cpu_memory_info)(int32_t allocator, int32_t memory,
                                                    connx_memory_info *_Nullable *_Nonnull);
    connx_result (*_Nonnull allocator_free)(connx_allocator *, void *);
    connx_result (*_Nonnull default_allocator)(connx_allocator *_Nullable *_Nonnull);
    void (*_Nonnull release_env)(connx_env *);
    void (*_Nonnull release_status)(connx_status *);
    void (*_Nonnull release_memory_info)(connx_memory_info *);
    void (*_Nonnull release_session)(connx_session *);
    void (*_Nonnull release_value)(connx_value *);
    void (*_Nonnull release_run_options)(connx_run_options *);
    void (*_Nonnull release_type_info)(connx_type_info *);
    void (*_Nonnull release_tensor_info)(connx_tensor_info *);
    void (*_Nonnull release_session_options)(connx_session_options *);
    connx_result (*_Nonnull available_providers)(char *_Nullable *_Nullable *_Nonnull, int32_t *);
    connx_result (*_Nonnull release_providers)(char *_Nullable *_Nonnull, int32_t);
    connx_result (*_Nonnull add_session_entry)(connx_session_options *, const char *key,
                                               const char *value);
    connx_result (*_Nonnull run)(connx_session *, const connx_run_options *_Nullable,
                                 const connx_binding *);
    connx_result (*_Nonnull create_binding)(connx_session *, connx_binding *_Nullable *_Nonnull);
    void (*_Nonnull release_binding)(connx_binding *);
    connx_result (*_Nonnull bind_input)(connx_binding *, const char *name, const connx_value *);
    connx_result (*_Nonnull bind_output)(connx_binding *, const char *name, const connx_value *);
    connx_result (*_Nonnull bind_output_to_device)(connx_binding *, const char *name,
                                                   const connx_memory_info *);
    connx_result (*_Nonnull bound_outputs)(const connx_binding *, connx_allocator *,
                                           connx_value *_Nullable *_Nullable *_Nonnull, size_t *);
    void (*_Nonnull clear_inputs)(connx_binding *);
    void (*_Nonnull clear_outputs)(connx_binding *);
    connx_result (*_Nonnull register_allocator)(connx_env *, const connx_memory_info *,
                                                const connx_arena_config *);
    connx_result (*_Nonnull add_initializer)(connx_session_options *, const char *name,
                                             const connx_value *);
    void (*_Nonnull release_arena_config)(connx_arena_config *);
    connx_result (*_Nonnull create_arena_config)(const char *_Nonnull const *_Nonnull keys,
                                                 const size_t *values, size_t,
                                                 connx_arena_config *_Nullable *_Nonnull);
    connx_result (*_Nonnull add_run_entry)(connx_run_options *, const char *key, const char *value);
    connx_result (*_Nonnull create_prepacked)(connx_prepacked *_Nullable *_Nonnull);
    void (*_Nonnull release_prepacked)(connx_prepacked *);
    connx_result (*_Nonnull create_session_prepacked)(const connx_env *, const char *path,
                                                      const connx_session_options *,
                                                      connx_prepacked *,
                                                      connx_session *_Nullable *_Nonnull);
    connx_result (*_Nonnull set_create_thread)(connx_session_options *, connx_create_thread);
    connx_result (*_Nonnull set_thread_context)(connx_session_options *, void *_Nullable context);
    connx_result (*_Nonnull set_join_thread)(connx_session_options *, connx_join_thread);
    connx_result (*_Nonnull append_cuda)(connx_session_options *, const connx_cuda_options *);
    connx_result (*_Nonnull create_cuda_options)(connx_cuda_options *_Nullable *_Nonnull);
    connx_result (*_Nonnull update_cuda_options)(connx_cuda_options *,
                                                 const char *_Nonnull const *_Nonnull keys,
                                                 const char *_Nonnull const *_Nonnull values,
                                                 size_t);
    void (*_Nonnull release_cuda_options)(connx_cuda_options *);
    connx_result (*_Nonnull string_buffer)(connx_value *, size_t index, size_t length,
                                           char *_Nullable *_Nonnull);
} connx_calls;

// How an attempt to open the library ended.
typedef enum connx_opening : int32_t {
    connx_opened,
    connx_missing,   // no file, or not a library that loads here
    connx_foreign,   // a library, but not ONNX Runtime
    connx_too_old,   // interface version below CONNX_API_VERSION
} connx_opening;

// Opens the library at `path` and fills in `calls`. The library stays loaded for ever.
//
// `text` gets the version ("1.31.1") of an ONNX Runtime, or what the loader said otherwise.
connx_opening connx_open(const char *path, connx_calls *calls, char *text, size_t capacity);

// Lets a thread run on the given processors only; 0, or an errno.
int32_t connx_pin_thread(pthread_t thread, const int32_t *processors, size_t count);

// Writes the processors that a thread may use, ascending; returns how many there are, also
// where `capacity` is smaller, or minus an errno.
int32_t connx_thread_processors(pthread_t thread, int32_t *processors, size_t capacity);

// Names a thread for debuggers and `top -H`; the system takes 15 bytes.
void connx_name_thread(pthread_t thread, const char *name);

// The system's number of the calling thread, for `connx_give_way`.
int32_t connx_thread_number(void);

// Lets a thread run only on cores that no usual thread wants (`SCHED_IDLE`), and leave its core at
// once when one does; or no longer, which wants a privilege. Whether it was done.
bool connx_give_way(int32_t thread, bool does);

// Whether this process has that privilege; found out with a thread of no further use.
bool connx_may_take_back(void);

// How small a part of a core that others want as well a thread gets, 0 (as usual) to 19. To get
// more than before wants the same privilege. Whether it was done.
bool connx_be_nice(int32_t thread, int32_t nice);

// Makes the heap take blocks of a mebibyte or more from the system and give them back at once.
// Left to itself it raises that limit with the first large block that is freed; weights then lie
// among small blocks, and trimming locks out every thread that allocates for tens of milliseconds.
void connx_map_large_blocks(void);

// Makes the calling thread take denormal numbers for zero, as the pool's threads do.
void connx_flush_denormals(void);

// Gives memory back to the system that the heap keeps for later. Reading a model leaves about its
// size there; the call takes milliseconds.
void connx_trim_heap(void);

#pragma clang assume_nonnull end
