/* Damped pendulum, semi-implicit Euler: the hand-written limits that the pendulum row is measured against.
 *
 *   acc = a - (k sin(th) + c w);  w += dt acc;  th += dt w        9 scalar operations a step
 *   L = th_N^2 + w_N^2, its gradient with respect to (k, c, a) at (9.81, 0.1, 0.5)
 *
 * cc -O3 -march=native -o pendulum pendulum.c -lm && ./pendulum STEPS REPEATS
 * One line a variant: name, best process CPU seconds, L, dL/dk, dL/dc, dL/da.
 */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define DT 1e-3

static double cpu_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

__attribute__((noinline)) static double primal(const double *p, long n, double *g, double *store) {
    (void)g, (void)store;
    double k = p[0], c = p[1], a = p[2], th = 1.0, w = 0.0;
    for (long i = 0; i < n; i++) {
        double acc = a - (k * sin(th) + c * w);
        w += DT * acc;
        th += DT * w;
    }
    return th * th + w * w;
}

/* reverse, storing the state and recomputing sine and cosine */
__attribute__((noinline)) static double adjoint_store_state(const double *p, long n, double *g, double *store) {
    double k = p[0], c = p[1], a = p[2], th = 1.0, w = 0.0;
    for (long i = 0; i < n; i++) {
        store[2 * i] = th;
        store[2 * i + 1] = w;
        double acc = a - (k * sin(th) + c * w);
        w += DT * acc;
        th += DT * w;
    }
    double loss = th * th + w * w, th_bar = 2 * th, w_bar = 2 * w, gk = 0, gc = 0, ga = 0;
    for (long i = n - 1; i >= 0; i--) {
        double t = store[2 * i], w0 = store[2 * i + 1];
        w_bar += DT * th_bar;
        double acc_bar = DT * w_bar, s = sin(t), co = cos(t);
        ga += acc_bar;
        gk -= acc_bar * s;
        gc -= acc_bar * w0;
        w_bar -= acc_bar * c;
        th_bar -= acc_bar * k * co;
    }
    g[0] = gk, g[1] = gc, g[2] = ga;
    return loss;
}

/* reverse, storing sine, cosine and angular velocity */
__attribute__((noinline)) static double adjoint_store_sincos(const double *p, long n, double *g, double *store) {
    double k = p[0], c = p[1], a = p[2], th = 1.0, w = 0.0;
    for (long i = 0; i < n; i++) {
        double s, co;
        sincos(th, &s, &co);
        store[3 * i] = s;
        store[3 * i + 1] = co;
        store[3 * i + 2] = w;
        double acc = a - (k * s + c * w);
        w += DT * acc;
        th += DT * w;
    }
    double loss = th * th + w * w, th_bar = 2 * th, w_bar = 2 * w, gk = 0, gc = 0, ga = 0;
    for (long i = n - 1; i >= 0; i--) {
        double s = store[3 * i], co = store[3 * i + 1], w0 = store[3 * i + 2];
        w_bar += DT * th_bar;
        double acc_bar = DT * w_bar;
        ga += acc_bar;
        gk -= acc_bar * s;
        gc -= acc_bar * w0;
        w_bar -= acc_bar * c;
        th_bar -= acc_bar * k * co;
    }
    g[0] = gk, g[1] = gc, g[2] = ga;
    return loss;
}

typedef double (*variant)(const double *, long, double *, double *);

int main(int argc, char **argv) {
    long n = argc > 1 ? atol(argv[1]) : 10000, repeats = argc > 2 ? atol(argv[2]) : 60;
    const double p[3] = {9.81, 0.1, 0.5};
    const char *names[] = {"primal", "adjoint_store_state", "adjoint_store_sincos"};
    const variant variants[] = {primal, adjoint_store_state, adjoint_store_sincos};
    double *store = malloc(sizeof(double) * 3 * (size_t)n);
    if (!store) return 1;
    for (int v = 0; v < 3; v++) {
        double best = 1e9, loss = 0, g[3] = {0};
        for (long r = 0; r < repeats; r++) {
            double t = cpu_seconds();
            loss = variants[v](p, n, g, store);
            t = cpu_seconds() - t;
            if (t < best) best = t;
        }
        printf("%s %.9e %.17g %.17g %.17g %.17g\n", names[v], best, loss, g[0], g[1], g[2]);
    }
    free(store);
    return 0;
}
