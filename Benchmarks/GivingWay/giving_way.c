// Who gets the cores when high work, low work and loading all want them: a scratch pad for the
// choice of classes and niceness (Docs/BENCHMARKS.md, "Who gives way").
//
//   cc -O2 -pthread Benchmarks/GivingWay/giving_way.c -o /tmp/giving-way -lm
//   /tmp/giving-way HIGH LOW LOADER [seated] [loop|brief]
//   HIGH, LOW and LOADER are each 'idle', 'none' or a niceness such as '15'
//
// Per core one high thread, which sleeps 10 ms on average (exponential) and computes for 3, and
// one low thread that always computes; one loading thread that always computes. Five seconds. With
// 'seated' every high thread has a core of its own, as batches of class high are given. With 'loop'
// one more thread sleeps 2 ms on average and computes for 0.05, as an event loop does; with 'brief'
// it has a slice of 0.1 ms (Linux 6.12 and later).
#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { most_cores = 64, most_latencies = 4096 };
static const double seconds = 5, gap = 0.010, work = 0.003;
static const double loop_gap = 0.002, loop_work = 0.00005;

struct worker {
    pthread_t thread;
    const char *pace;
    unsigned seed;
    double used;
    int count;
    double latencies[most_latencies];
};
static struct worker high[most_cores], low[most_cores], loader, loop;
static volatile int is_over;
static int is_seated;

static double read_clock(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

static void compute(double for_seconds) {
    const double begin = read_clock(CLOCK_THREAD_CPUTIME_ID);
    while (read_clock(CLOCK_THREAD_CPUTIME_ID) - begin < for_seconds) {}
}

static void take_pace(const char *pace) {
    const struct sched_param none = {0};
    const int failed = strcmp(pace, "idle") == 0
                           ? sched_setscheduler(0, SCHED_IDLE, &none)
                           : setpriority(PRIO_PROCESS, (id_t)gettid(), atoi(pace));
    if (failed) perror(pace);
}

static void wake_and_work(struct worker *self, double gap, double work) {
    while (!is_over && self->count < most_latencies) {
        const double pause = -gap * log((rand_r(&self->seed) + 1.0) / (RAND_MAX + 2.0));
        const double due = read_clock(CLOCK_MONOTONIC) + pause;
        struct timespec span = {0, (long)(fmin(pause, 0.99) * 1e9)};
        nanosleep(&span, NULL);
        compute(work);
        self->latencies[self->count++] = read_clock(CLOCK_MONOTONIC) - due;
    }
}

static void *run_high(void *argument) {
    struct worker *self = argument;
    take_pace(self->pace);
    if (is_seated) {
        cpu_set_t cores;
        CPU_ZERO(&cores);
        CPU_SET(self - high, &cores);
        sched_setaffinity(0, sizeof(cores), &cores);
    }
    wake_and_work(self, gap, work);
    return NULL;
}

static void *run_loop(void *argument) {
    struct worker *self = argument;
    if (strcmp(self->pace, "brief") == 0) {
        // `struct sched_attr`: size, policy, flags, nice, priority, runtime, deadline, period.
        struct {
            uint32_t size, policy;
            uint64_t flags;
            int32_t nice;
            uint32_t priority;
            uint64_t runtime, deadline, period;
        } wanted = {.size = sizeof(wanted), .runtime = 100000};
        if (syscall(SYS_sched_setattr, 0, &wanted, 0) != 0) perror("brief");
    }
    wake_and_work(self, loop_gap, loop_work);
    return NULL;
}

static void *run_always(void *argument) {
    struct worker *self = argument;
    take_pace(self->pace);
    while (!is_over) compute(0.001);
    self->used = read_clock(CLOCK_THREAD_CPUTIME_ID);
    return NULL;
}

static int compare(const void *one, const void *other) {
    const double a = *(const double *)one, b = *(const double *)other;
    return a < b ? -1 : a > b;
}

static void start(struct worker *worker, const char *pace, void *(*body)(void *)) {
    worker->pace = pace;
    if (strcmp(pace, "none") != 0) pthread_create(&worker->thread, NULL, body, worker);
}

static void join(struct worker *worker) {
    if (strcmp(worker->pace, "none") != 0) pthread_join(worker->thread, NULL);
}

static void print_latencies(double *latencies, int count) {
    qsort(latencies, count, sizeof(double), compare);
    for (const int *part = (const int[]){50, 90, 95, 99, 0}; *part != 0; part++)
        printf(" %.2f |", latencies[(long)count * *part / 100] * 1e3);
}

int main(int count, char **words) {
    is_seated = count > 4 && strcmp(words[4], "seated") == 0;
    const char *pace = count == 5 + is_seated ? words[4 + is_seated] : "none";
    const int is_known = strcmp(pace, "loop") == 0 || strcmp(pace, "brief") == 0;
    if (count < 4 || count > 5 + is_seated || (count == 5 + is_seated && !is_known))
        return fprintf(stderr, "giving-way HIGH LOW LOADER [seated] [loop|brief]\n"), 2;
    int cores = (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (cores > most_cores) cores = most_cores;
    for (int core = 0; core < cores; core++) {
        high[core].seed = 7 + (unsigned)core;
        start(&high[core], words[1], run_high);
        start(&low[core], words[2], run_always);
    }
    start(&loader, words[3], run_always);
    start(&loop, pace, run_loop);
    sleep((unsigned)seconds);
    is_over = 1;
    double low_used = 0;
    static double all[most_cores * most_latencies];
    int latencies = 0;
    for (int core = 0; core < cores; core++) {
        join(&high[core]);
        join(&low[core]);
        low_used += low[core].used;
        memcpy(all + latencies, high[core].latencies, high[core].count * sizeof(double));
        latencies += high[core].count;
    }
    join(&loader);
    join(&loop);
    if (latencies == 0) return fprintf(stderr, "no high work was done\n"), 1;
    printf("| %s%s | %s | %s |", words[1], is_seated ? ", seated" : "", words[2], words[3]);
    print_latencies(all, latencies);
    printf(" %.2f | %.2f |\n", low_used, loader.used);
    if (loop.count > 0) {
        printf("| %s beside them |", pace);
        print_latencies(loop.latencies, loop.count);
        printf("\n");
    }
    return 0;
}
