/* test_chain.c - whole small networks forward and backward, chained of the operations, against PyTorch's autograd in
 * float64 (tests/differential/gradients.py); and with a kernel of every set.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"
#include "kernel_sets.h"

#include <math.h>

#include "gradient/chain.h"
#include "read_npy.h"
#include "threads.h"

enum { PARAMETERS = 1, INPUT = 2, HEADS = 3 }; /* the t of u(t,k) */

static void set_numbers(float *to, int t, int64_t first, int64_t n, double low, double high)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = (float)(low + (high - low) * test_u((uint32_t)t, (uint32_t)(first + i)));
}

/* As gradients.py does: weights by their number of terms, gains around 1. */
static void set_parameters(chain *c)
{
    for (int i = 0; i < c->n_ops; i++) {
        const chain_op *op = &c->ops[i];
        const pea__conv_shape *s = &op->shape;
        const int64_t terms = s->in_channels * s->kz * s->ky * s->kx, at = op->parameters[0];
        if (op->kind == CHAIN_CONV) {
            const double size = sqrt(6.0 / (double)terms);
            set_numbers(c->parameters + at, PARAMETERS, at, terms * s->out_channels, -size, size);
            if (op->has_bias)
                set_numbers(c->parameters + at + terms * s->out_channels, PARAMETERS, at + terms * s->out_channels,
                            s->out_channels, -0.1, 0.1);
        }
        for (int k = 0; op->kind == CHAIN_NORM && k < (op->in_2 ? 2 : 1); k++) {
            const int64_t channels = c->values[op->in].channels, from = op->parameters[k];
            set_numbers(c->parameters + from, PARAMETERS, from, channels, 0.5, 1.5);
            set_numbers(c->parameters + from + channels, PARAMETERS, from + channels, channels, -0.2, 0.2);
        }
    }
}

static test_npy read(const char *network, const char *what)
{
    char path[512];
    snprintf(path, sizeof path, PEA_TESTDATA "/gradient/%s_%s.npy", network, what);
    return test_read_npy(path, sizeof(float));
}

static void check_heads(const chain *c, const char *network)
{
    const test_npy want = read(network, "heads");
    const float *expected = want.data;
    int64_t at = 0;
    for (int k = 0; k < c->n_heads; k++) {
        const int buffer = c->values[c->heads[k]].buffer;
        for (int64_t i = 0; i < chain_floats(c, buffer); i++, at++)
            if (at % 7 == 0)
                assert_true(fabs((double)c->buffers[buffer].data[i] - (double)expected[at / 7]) < 1e-4);
    }
    assert_int_equal(want.n, (at + 6) / 7);
    free(want.data);
}

/* The parameters from `first` on: the norm of the difference is a small part of the norm of the gradients; where these
 * are 0, as of a bias before a norm, of `size`. */
static void check_some(const float *got, const float *want, int64_t n, double size, const char *what, int op)
{
    double difference = 0, norm = 0;
    for (int64_t i = 0; i < n; i++) {
        difference += pow((double)got[i] - (double)want[i], 2);
        norm += pow((double)want[i], 2);
    }
    if (!(sqrt(difference) < 3e-5 * sqrt(norm) + 1e-6 * size))
        fail_msg("%s of operation %d: away by %g of %g", what, op, sqrt(difference), sqrt(norm));
}

static void check_gradients(const chain *c, const char *network)
{
    const test_npy npy = read(network, "gradients");
    const float *want = npy.data;
    double size = 0;
    assert_int_equal(npy.n, c->n_parameters);
    for (int64_t i = 0; i < npy.n; i++)
        size += pow((double)want[i], 2);
    size = sqrt(size);
    for (int i = 0; i < c->n_ops; i++) {
        const chain_op *op = &c->ops[i];
        const pea__conv_shape *s = &op->shape;
        const int64_t weights = s->in_channels * s->out_channels * s->kz * s->ky * s->kx, at = op->parameters[0];
        if (op->kind == CHAIN_CONV) {
            check_some(c->gradients + at, want + at, weights, size, "weights", i);
            if (op->has_bias)
                check_some(c->gradients + at + weights, want + at + weights, s->out_channels, size, "bias", i);
        }
        for (int k = 0; op->kind == CHAIN_NORM && k < (op->in_2 ? 2 : 1); k++)
            check_some(c->gradients + op->parameters[k], want + op->parameters[k], 2 * c->values[op->in].channels, size, "norm",
                       i);
    }
    free(npy.data);
}

/* Each set, and for the first of them several threads: bytes are those of one. */
static void check_network(bool is_plane)
{
    static const int64_t plane[5] = {4, 5, 6, 16, 17}, stack[5] = {3, 4, 5, 16, 17};
    const char *name = is_plane ? "plane" : "stack";
    float *kept = NULL;
    for (size_t set = 0; test_set(set, conv_gradient_f32); set++)
        for (int threads = 1; threads <= (set ? 1 : 3); threads += 2) {
            pea_error err;
            chain *c = calloc(1, sizeof *c);
            c->run = (pea__run){.kernels = test_set(set, conv_gradient_f32), .context = test_context(threads, 0),
                                  .to = 1.0};
            if (is_plane)
                chain_plane(c, (pea__batch){2, 1, 32, 48}, plane, 3);
            else
                chain_stack(c, (pea__batch){2, 3, 32, 48}, stack, 3);
            assert_true(chain_ready(c));
            set_parameters(c);
            set_numbers(c->buffers[1].data, INPUT, 0, chain_floats(c, 1), -1.0, 1.0);
            assert_ok(chain_forward(c, &err));
            check_heads(c, name);
            int64_t n_heads = 0;
            for (int k = 0; k < c->n_heads; k++)
                n_heads += chain_floats(c, c->values[c->heads[k]].buffer);
            float *heads = malloc((size_t)n_heads * sizeof *heads);
            set_numbers(heads, HEADS, 0, n_heads, -1.0, 1.0);
            assert_ok(chain_backward(c, heads, &err));
            check_gradients(c, name);
            const size_t bytes = (size_t)c->n_parameters * sizeof(float);
            if (threads > 1)
                assert_memory_equal(c->gradients, kept, bytes);
            else if (!set)
                kept = memcpy(malloc(bytes), c->gradients, bytes);
            free(heads);
            pea_context *context = c->run.context;
            chain_free(c);
            pea_context_free(context);
            free(c);
        }
    free(kept);
}

static void the_plane_network_has_pytorch_s_gradients(void **state)
{
    (void)state;
    check_network(true);
}

static void the_stack_network_has_pytorch_s_gradients(void **state)
{
    (void)state;
    check_network(false);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_plane_network_has_pytorch_s_gradients),
    cmocka_unit_test(the_stack_network_has_pytorch_s_gradients),
};

PEA_TEST_MAIN(tests)
