// Who gets the cores when high work, low work and loading all want them: a scratch pad for the
// choice of classes and niceness (Docs/BENCHMARKS.md, "Who gives way").
//
//   cc -O2 -pthread Benchmarks/GivingWay/giving_way.c -o /tmp/giving-way -lm
//   /tmp/giving-way HIGH LOW LOADER [seated]    each 'idle', 'none' or a niceness such as '15'
//
// Per core one high thread, which sleeps 10 ms on average (exponential) and computes for 3, and
// one low thread that always computes; one loading thread that always computes. Five seconds. With
// 'seated' every high thread has a core of its own, as batches of class high are given.
#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { most_cores = 64, most_latencies = 4096 };
static const double seconds = 5, gap = 0.010, work = 0.003;

struct worker {
    pthread_t thread;
    const char *pace;
    unsigned seed;
    double used;
    int count;
    double latencies[most_latencies];
};
static struct worker high[most_cores], low[most_cores], loader;
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

static void *run_high(void *argument) {
    struct worker *self = argument;
    take_pace(self->pace);
    if (is_seated) {
        cpu_set_t cores;
        CPU_ZERO(&cores);
        CPU_SET(self - high, &cores);
        sched_setaffinity(0, sizeof(cores), &cores);
    }
    while (!is_over && self->count < most_latencies) {
        const double pause = -gap * log((rand_r(&self->seed) + 1.0) / (RAND_MAX + 2.0));
        const double due = read_clock(CLOCK_MONOTONIC) + pause;
        struct timespec span = {0, (long)(fmin(pause, 0.99) * 1e9)};
        nanosleep(&span, NULL);
        compute(work);
        self->latencies[self->count++] = read_clock(CLOCK_MONOTONIC) - due;
    }
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

int main(int count, char **words) {
    is_seated = count == 5 && strcmp(words[4], "seated") == 0;
    if (count != 4 + is_seated)
        return fprintf(stderr, "giving-way HIGH LOW LOADER [seated]\n"), 2;
    int cores = (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (cores > most_cores) cores = most_cores;
    for (int core = 0; core < cores; core++) {
        high[core].seed = 7 + (unsigned)core;
        start(&high[core], words[1], run_high);
        start(&low[core], words[2], run_always);
    }
    start(&loader, words[3], run_always);
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
    if (latencies == 0) return fprintf(stderr, "no high work was done\n"), 1;
    qsort(all, latencies, sizeof(double), compare);
    printf("| %s%s | %s | %s | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f |\n", words[1],
           is_seated ? ", seated" : "", words[2], words[3], all[latencies / 2] * 1e3,
           all[latencies * 9 / 10] * 1e3, all[latencies * 95 / 100] * 1e3,
           all[latencies * 99 / 100] * 1e3, low_used, loader.used);
    return 0;
}
