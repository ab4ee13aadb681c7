/* pickle.c - Python's pickle as data: a stack machine that makes plain nodes and never resolves or calls a name.
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * One opcode after the other works on a stack of nodes, on marks (heights of that stack) and on the memo (nodes by
 * number). No recursion: nesting in the file is nesting of nodes only. Everything here lives in the arena or is taken
 * from its budget, so that memory stays in proportion to the file. */
#include "io/io.h"

#include <string.h>

enum {
    MAX_OPCODES = 10000000,
    MAX_STACK = 100000,
    MAX_MARKS = 1000,
    MAX_MEMO = 1000000,
    MAX_TEXT = 1 << 20,
    MAX_DECIMAL = 32 /* digits of a protocol-1 integer */
};

enum opcode {
    OP_MARK = '(',
    OP_STOP = '.',
    OP_EMPTY_TUPLE = ')',
    OP_BINFLOAT = 'G',
    OP_INT = 'I', /* as text: how protocol 1 writes booleans */
    OP_BININT = 'J',
    OP_BININT1 = 'K',
    OP_LONG = 'L', /* as text: how protocol 1 writes what exceeds 32 bits */
    OP_BININT2 = 'M',
    OP_NONE = 'N',
    OP_BINPERSID = 'Q',
    OP_REDUCE = 'R',
    OP_BINSTRING = 'T',
    OP_SHORT_BINSTRING = 'U',
    OP_BINUNICODE = 'X',
    OP_EMPTY_LIST = ']',
    OP_APPEND = 'a',
    OP_BUILD = 'b',
    OP_GLOBAL = 'c',
    OP_APPENDS = 'e',
    OP_BINGET = 'h',
    OP_LONG_BINGET = 'j',
    OP_BINPUT = 'q',
    OP_LONG_BINPUT = 'r',
    OP_SETITEM = 's',
    OP_TUPLE = 't',
    OP_SETITEMS = 'u',
    OP_EMPTY_DICT = '}',
    OP_BINBYTES = 'B',
    OP_SHORT_BINBYTES = 'C',
    OP_PROTO = 0x80,
    OP_NEWOBJ = 0x81,
    OP_TUPLE1 = 0x85,
    OP_TUPLE2 = 0x86,
    OP_TUPLE3 = 0x87,
    OP_NEWTRUE = 0x88,
    OP_NEWFALSE = 0x89,
    OP_LONG1 = 0x8a,
    OP_SHORT_BINUNICODE = 0x8c,
    OP_EMPTY_SET = 0x8f,
    OP_ADDITEMS = 0x90,
    OP_STACK_GLOBAL = 0x93,
    OP_MEMOIZE = 0x94,
    OP_FRAME = 0x95
};

/* A growing list of nodes whose bytes are taken from the budget. */
typedef struct node_list {
    pea__node **items;
    size_t n, capacity;
} node_list;

typedef struct machine {
    pea__pickle *pickle;
    const unsigned char *bytes;
    size_t at, n_bytes;
    size_t op_at; /* where the opcode being run began, for messages */
    node_list stack, memo;
    uint32_t marks[MAX_MARKS];
    size_t n_marks;
    pea_error *err;
} machine;

#define FAIL(m, ...) (pea__fail((m)->err, PEA_E_FORMAT, __VA_ARGS__), PEA_E_FORMAT) /* the value: for the compiler */

/* ---- lists ---- */

static pea_status push_on(machine *m, node_list *list, size_t limit, const char *what, pea__node *node)
{
    enum { FIRST = 64 };
    if (list->n >= limit)
        return pea__fail(m->err, PEA_E_LIMIT, "the pickle needs more than %zu entries of %s", limit, what);
    if (list->n == list->capacity) {
        pea__budget *budget = m->pickle->arena->budget;
        const size_t wanted = list->capacity ? 2 * list->capacity : FIRST;
        pea_status status = pea__budget_take(budget, (int64_t)(wanted * sizeof *list->items), m->err);
        if (status != PEA_OK)
            return status;
        pea__node **grown = pea__realloc(list->items, wanted, sizeof *grown, m->err);
        if (!grown)
            return PEA_E_NOMEM;
        pea__budget_return(budget, (int64_t)(list->capacity * sizeof *list->items));
        list->items = grown;
        list->capacity = wanted;
    }
    list->items[list->n++] = node;
    return PEA_OK;
}

static void free_list(machine *m, node_list *list)
{
    pea__budget_return(m->pickle->arena->budget, (int64_t)(list->capacity * sizeof *list->items));
    pea__free(list->items);
}

static pea_status push(machine *m, pea__node *node)
{
    return push_on(m, &m->stack, MAX_STACK, "its stack", node);
}

/* How many values lie above the last mark: only those may be taken without ending that mark. */
static size_t above_mark(const machine *m)
{
    return m->stack.n - (m->n_marks ? m->marks[m->n_marks - 1] : 0);
}

static pea_status pop(machine *m, pea__node **node)
{
    if (above_mark(m) == 0)
        return FAIL(m, "the pickle is damaged at byte %zu: its stack is empty", m->op_at);
    *node = m->stack.items[--m->stack.n];
    return PEA_OK;
}

static pea_status top(machine *m, pea__node **node)
{
    if (above_mark(m) == 0)
        return FAIL(m, "the pickle is damaged at byte %zu: its stack is empty", m->op_at);
    *node = m->stack.items[m->stack.n - 1];
    return PEA_OK;
}

/* The values above the last mark leave the stack with it; they stay readable until the next push. */
static pea_status pop_to_mark(machine *m, pea__node ***items, size_t *n)
{
    if (m->n_marks == 0)
        return FAIL(m, "the pickle is damaged at byte %zu: no mark was set", m->op_at);
    const size_t mark = m->marks[--m->n_marks];
    *n = m->stack.n - mark;
    *items = m->stack.items ? m->stack.items + mark : NULL;
    m->stack.n = mark;
    return PEA_OK;
}

/* ---- nodes ---- */

static pea__node *new_node(machine *m, pea__kind kind)
{
    pea__node *node = pea__arena_get(m->pickle->arena, 1, sizeof *node, m->err);
    if (node)
        node->kind = (uint8_t)kind;
    return node;
}

/* The arena failed and said why. */
static pea_status refused(const machine *m)
{
    return m->err->status;
}

static pea_status push_new(machine *m, pea__kind kind, pea__node **made)
{
    *made = new_node(m, kind);
    return *made ? push(m, *made) : refused(m);
}

static pea_status push_kind(machine *m, pea__kind kind)
{
    pea__node *node;
    return push_new(m, kind, &node);
}

static pea_status push_integer(machine *m, pea__kind kind, int64_t value)
{
    pea__node *node;
    const pea_status status = push_new(m, kind, &node);
    if (status == PEA_OK)
        node->integer = value;
    return status;
}

static pea_status push_text(machine *m, pea__kind kind, const unsigned char *text, size_t n)
{
    pea__node *node;
    const pea_status status = push_new(m, kind, &node);
    if (status == PEA_OK) {
        node->text = (const char *)text;
        node->n = (uint32_t)n;
    }
    return status;
}

/* A node with items of its own, copied from `items`. */
static pea_status push_items(machine *m, pea__kind kind, pea__node *const *items, size_t n)
{
    pea__node **copy = pea__arena_get(m->pickle->arena, n, sizeof *copy, m->err);
    if (!copy)
        return refused(m);
    if (n > 0)
        memcpy(copy, items, n * sizeof *copy);
    pea__node *node;
    const pea_status status = push_new(m, kind, &node);
    if (status == PEA_OK) {
        node->items = copy;
        node->n = (uint32_t)n;
    }
    return status;
}

bool pea__node_is_text(const pea__node *node, const char *literal)
{
    return node->kind == PEA__TEXT && pea__text_is(node->text, node->n, literal);
}

bool pea__node_is_global(const pea__node *node, const char *module, const char *name)
{
    return node->kind == PEA__GLOBAL && pea__node_is_text(node->items[0], module) &&
           pea__node_is_text(node->items[1], name);
}

pea__items pea__items_of(const pea__node *node)
{
    switch (node->kind) {
    case PEA__TUPLE:
    case PEA__GLOBAL:
    case PEA__CALL:
    case PEA__PERSISTENT: return (pea__items){.items = node->items, .left = node->n};
    case PEA__LIST:
    case PEA__DICT:
        if (node->chain) {
            const pea__pickle_batch *oldest = node->chain->next;
            return (pea__items){.items = oldest->items, .left = oldest->n, .batch = oldest, .last = node->chain};
        }
        break;
    default: break;
    }
    return (pea__items){.left = 0};
}

pea__node *pea__items_next(pea__items *items)
{
    if (items->left == 0) {
        if (items->batch == items->last)
            return NULL;
        items->batch = items->batch->next;
        items->items = items->batch->items; /* no batch is empty */
        items->left = items->batch->n;
    }
    items->left--;
    return *items->items++;
}

/* ---- arguments of opcodes ---- */

static pea_status take(machine *m, uint64_t n, const unsigned char **bytes)
{
    if (n > m->n_bytes - m->at)
        return FAIL(m, "the pickle ends early, at byte %zu", m->n_bytes);
    *bytes = m->bytes + m->at;
    m->at += (size_t)n;
    return PEA_OK;
}

/* A text with a length of 1 or 4 bytes before it. */
static pea_status counted_text(machine *m, size_t length_bytes, pea__kind kind)
{
    const unsigned char *bytes;
    pea_status status = take(m, length_bytes, &bytes);
    if (status != PEA_OK)
        return status;
    const uint32_t n = length_bytes == 1 ? bytes[0] : pea__load_u32(bytes);
    if (n > MAX_TEXT)
        return pea__fail(m->err, PEA_E_LIMIT, "the pickle has a text of %lu bytes; %d are read at most",
                         (unsigned long)n, (int)MAX_TEXT);
    status = take(m, n, &bytes);
    return status == PEA_OK ? push_text(m, kind, bytes, n) : status;
}

/* A text up to the end of its line. */
static pea_status line(machine *m, const unsigned char **text, size_t *n)
{
    const unsigned char *from = m->bytes + m->at;
    const size_t left = m->n_bytes - m->at;
    const unsigned char *end = left ? memchr(from, '\n', left < MAX_TEXT ? left : MAX_TEXT) : NULL;
    if (!end)
        return FAIL(m, "the pickle is damaged at byte %zu: a line does not end", m->op_at);
    *text = from;
    *n = (size_t)(end - from);
    m->at += *n + 1;
    return PEA_OK;
}

/* "01" and "00" are True and False; other decimal numbers fit 64 bits or become a PEA__LONG that shows the digits. */
static pea_status decimal(machine *m, bool is_long)
{
    const unsigned char *text;
    size_t n;
    const pea_status status = line(m, &text, &n);
    if (status != PEA_OK)
        return status;
    if (!is_long && n == 2 && text[0] == '0' && (text[1] == '0' || text[1] == '1'))
        return push_integer(m, PEA__BOOLEAN, text[1] == '1');
    if (is_long && n > 0 && text[n - 1] == 'L')
        n--;
    const bool negative = n > 0 && text[0] == '-';
    const size_t first = negative ? 1 : 0;
    int64_t value = 0;
    if (n <= first || n - first > MAX_DECIMAL)
        return FAIL(m, "the pickle is damaged at byte %zu: not a number", m->op_at);
    bool fits = true;
    for (size_t i = first; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return FAIL(m, "the pickle is damaged at byte %zu: not a number", m->op_at);
        fits = fits && pea__mul_i64(value, 10, &value) && pea__add_i64(value, text[i] - '0', &value);
    }
    return fits ? push_integer(m, PEA__INTEGER, negative ? -value : value) : push_text(m, PEA__LONG, text, n);
}

/* Little-endian two's complement of any length up to 10. What exceeds 64 bits is the magic number of legacy files. */
static pea_status long1(machine *m)
{
    enum { LONGEST = 10 };
    const unsigned char *bytes;
    pea_status status = take(m, 1, &bytes);
    if (status != PEA_OK)
        return status;
    const size_t n = bytes[0];
    if (n > LONGEST)
        return FAIL(m, "the pickle has an integer of %zu bytes; %d are read at most", n, (int)LONGEST);
    status = take(m, n, &bytes);
    if (status != PEA_OK)
        return status;
    const unsigned char sign = n > 0 && bytes[n - 1] & 0x80 ? 0xff : 0;
    uint64_t bits = sign ? UINT64_MAX : 0;
    bool fits = true;
    for (size_t i = n; i-- > 0;) {
        bits = bits << 8 | bytes[i];
        fits = fits && (i < 8 || bytes[i] == sign) && (i != 7 || ((bytes[i] ^ sign) & 0x80) == 0);
    }
    if (!fits)
        return push_text(m, PEA__LONG, bytes, n);
    return push_integer(m, PEA__INTEGER, (int64_t)bits);
}

static pea_status binfloat(machine *m)
{
    const unsigned char *bytes;
    pea__node *node;
    pea_status status = take(m, 8, &bytes);
    if (status == PEA_OK)
        status = push_new(m, PEA__REAL, &node);
    if (status != PEA_OK)
        return status;
    const uint64_t bits = pea__load(bytes, 8, true); /* the one big-endian number of the format */
    memcpy(&node->real, &bits, sizeof bits);
    return PEA_OK;
}

static pea_status small_integer(machine *m, size_t n)
{
    const unsigned char *bytes;
    const pea_status status = take(m, n, &bytes);
    if (status != PEA_OK)
        return status;
    const int64_t value = n == 1 ? bytes[0] : n == 2 ? (int64_t)pea__load_u16(bytes) : (int32_t)pea__load_u32(bytes);
    return push_integer(m, PEA__INTEGER, value);
}

/* ---- memo ---- */

static pea_status memo_number(machine *m, size_t n, size_t *number)
{
    const unsigned char *bytes;
    const pea_status status = take(m, n, &bytes);
    if (status == PEA_OK)
        *number = n == 1 ? bytes[0] : pea__load_u32(bytes);
    return status;
}

/* Writers number densely, from 0 or (Python 2) from 1: a table that only grows at its end cannot be made huge. */
static pea_status put(machine *m, size_t number)
{
    pea__node *node;
    pea_status status = top(m, &node);
    if (status != PEA_OK)
        return status;
    if (number < m->memo.n) {
        m->memo.items[number] = node;
        return PEA_OK;
    }
    if (number > m->memo.n + 1)
        return FAIL(m, "the pickle is damaged at byte %zu: memo entry %zu follows entry %zu", m->op_at, number,
                    m->memo.n);
    if (number == m->memo.n + 1)
        status = push_on(m, &m->memo, MAX_MEMO, "its memo", NULL);
    return status == PEA_OK ? push_on(m, &m->memo, MAX_MEMO, "its memo", node) : status;
}

static pea_status get(machine *m, size_t number)
{
    if (number >= m->memo.n || !m->memo.items[number])
        return FAIL(m, "the pickle is damaged at byte %zu: memo entry %zu was never set", m->op_at, number);
    return push(m, m->memo.items[number]);
}

/* ---- containers ---- */

static const char *kind_name(const pea__node *node)
{
    static const char *const names[] = {"None",  "a boolean", "an integer",   "an integer", "a float",
                                        "a text", "bytes",    "a tuple",      "a list",     "a dict",
                                        "a name", "an object", "a persistent reference"};
    return names[node->kind];
}

/* Add items to a list or a dict. What a call made may be a container as well: its content is dropped, and remembered
 * as a change so that nobody takes it for a tensor as it was made. */
static pea_status add_to(machine *m, pea__kind kind, pea__node *target, pea__node *const *items, size_t n)
{
    if (kind == PEA__DICT && n % 2 != 0)
        return FAIL(m, "the pickle is damaged at byte %zu: a dict key without a value", m->op_at);
    if (target->kind == PEA__CALL) {
        target->changed = true;
        return PEA_OK;
    }
    if (target->kind != kind)
        return FAIL(m, "the pickle is damaged at byte %zu: items for %s are put into %s", m->op_at,
                    kind == PEA__DICT ? "a dict" : "a list", kind_name(target));
    if (n == 0)
        return PEA_OK;
    pea__pickle_batch *batch = pea__arena_get(m->pickle->arena, 1, sizeof *batch + n * sizeof *items, m->err);
    if (!batch)
        return refused(m);
    batch->items = (pea__node **)(batch + 1);
    batch->n = n;
    memcpy(batch->items, items, n * sizeof *items);
    /* The chain is a ring entered at its newest batch: appending needs no search, the oldest is chain->next. */
    if (target->chain) {
        batch->next = target->chain->next;
        target->chain->next = batch;
    } else {
        batch->next = batch;
    }
    target->chain = batch;
    return PEA_OK;
}

static pea_status add_marked(machine *m, pea__kind kind)
{
    pea__node **items, *target;
    size_t n;
    pea_status status = pop_to_mark(m, &items, &n);
    if (status == PEA_OK)
        status = top(m, &target);
    return status == PEA_OK ? add_to(m, kind, target, items, n) : status;
}

static pea_status append_one(machine *m)
{
    pea__node *item, *target;
    pea_status status = pop(m, &item);
    if (status == PEA_OK)
        status = top(m, &target);
    return status == PEA_OK ? add_to(m, PEA__LIST, target, &item, 1) : status;
}

static pea_status set_one(machine *m)
{
    pea__node *pair[2], *target;
    pea_status status = pop(m, &pair[1]);
    if (status == PEA_OK)
        status = pop(m, &pair[0]);
    if (status == PEA_OK)
        status = top(m, &target);
    return status == PEA_OK ? add_to(m, PEA__DICT, target, pair, 2) : status;
}

static pea_status marked_tuple(machine *m)
{
    pea__node **items;
    size_t n;
    const pea_status status = pop_to_mark(m, &items, &n);
    return status == PEA_OK ? push_items(m, PEA__TUPLE, items, n) : status;
}

static pea_status short_tuple(machine *m, size_t n)
{
    if (above_mark(m) < n)
        return FAIL(m, "the pickle is damaged at byte %zu: its stack is empty", m->op_at);
    m->stack.n -= n;
    return push_items(m, PEA__TUPLE, m->stack.items + m->stack.n, n);
}

/* ---- names, calls, references ---- */

static pea_status global_by_lines(machine *m)
{
    const unsigned char *text[2];
    size_t n[2];
    pea__node *parts[2];
    for (int i = 0; i < 2; i++) {
        pea_status status = line(m, &text[i], &n[i]);
        if (status == PEA_OK && !(parts[i] = new_node(m, PEA__TEXT)))
            status = refused(m);
        if (status != PEA_OK)
            return status;
        parts[i]->text = (const char *)text[i];
        parts[i]->n = (uint32_t)n[i];
    }
    return push_items(m, PEA__GLOBAL, parts, 2);
}

static pea_status global_from_stack(machine *m)
{
    pea__node *parts[2];
    pea_status status = pop(m, &parts[1]);
    if (status == PEA_OK)
        status = pop(m, &parts[0]);
    if (status != PEA_OK)
        return status;
    if (parts[0]->kind != PEA__TEXT || parts[1]->kind != PEA__TEXT)
        return FAIL(m, "the pickle is damaged at byte %zu: a name is no text", m->op_at);
    return push_items(m, PEA__GLOBAL, parts, 2);
}

/* OrderedDict([[key, value], ...]): the form with one list of pairs, written by Python 2. */
static pea_status fill_from_pairs(machine *m, pea__node *dict, pea__node *list)
{
    if (list->kind != PEA__LIST)
        return FAIL(m, "an OrderedDict is made of %s", kind_name(list));
    pea__items pairs = pea__items_of(list);
    for (pea__node *pair; (pair = pea__items_next(&pairs));) {
        pea__node *two[2] = {NULL, NULL};
        if (pair->kind == PEA__TUPLE || pair->kind == PEA__LIST) {
            pea__items parts = pea__items_of(pair);
            two[0] = pea__items_next(&parts);
            two[1] = pea__items_next(&parts);
            if (pea__items_next(&parts))
                two[1] = NULL;
        }
        if (!two[0] || !two[1])
            return FAIL(m, "an OrderedDict is made of something else than pairs");
        const pea_status status = add_to(m, PEA__DICT, dict, two, 2);
        if (status != PEA_OK)
            return status;
    }
    return PEA_OK;
}

static pea_status call(machine *m)
{
    pea__node *parts[2]; /* name, arguments */
    pea_status status = pop(m, &parts[1]);
    if (status == PEA_OK)
        status = pop(m, &parts[0]);
    if (status != PEA_OK)
        return status;
    if (parts[0]->kind != PEA__GLOBAL || parts[1]->kind != PEA__TUPLE)
        return FAIL(m, "the pickle is damaged at byte %zu: %s is called with %s", m->op_at, kind_name(parts[0]),
                    kind_name(parts[1]));
    if (!pea__node_is_global(parts[0], "collections", "OrderedDict"))
        return push_items(m, PEA__CALL, parts, 2);
    if (parts[1]->n > 1)
        return FAIL(m, "an OrderedDict is made of %lu arguments", (unsigned long)parts[1]->n);
    pea__node *dict;
    status = push_new(m, PEA__DICT, &dict);
    return status == PEA_OK && parts[1]->n == 1 ? fill_from_pairs(m, dict, parts[1]->items[0]) : status;
}

/* The state of a dict is its attributes, such as a state dict's _metadata; dropped. */
static pea_status build(machine *m)
{
    pea__node *state, *target;
    pea_status status = pop(m, &state);
    if (status == PEA_OK)
        status = top(m, &target);
    if (status != PEA_OK || target->kind == PEA__DICT)
        return status;
    if (target->kind != PEA__CALL)
        return FAIL(m, "the pickle is damaged at byte %zu: a state is given to %s", m->op_at, kind_name(target));
    target->changed = true;
    return PEA_OK;
}

static pea_status persistent(machine *m)
{
    pea__node *id;
    pea_status status = pop(m, &id);
    if (status == PEA_OK)
        status = push_items(m, PEA__PERSISTENT, &id, 1);
    if (status != PEA_OK)
        return status;
    pea__node *reference = m->stack.items[m->stack.n - 1];
    reference->next = m->pickle->references;
    m->pickle->references = reference;
    m->pickle->n_references++;
    return PEA_OK;
}

/* ---- the machine ---- */

static pea_status mark(machine *m)
{
    if (m->n_marks == MAX_MARKS)
        return pea__fail(m->err, PEA_E_LIMIT, "the pickle nests more than %d marks", (int)MAX_MARKS);
    m->marks[m->n_marks++] = (uint32_t)m->stack.n;
    return PEA_OK;
}

static pea_status protocol(machine *m)
{
    const unsigned char *version;
    const pea_status status = take(m, 1, &version);
    if (status == PEA_OK && (*version < 1 || *version > 5))
        return FAIL(m, "pickle protocol %d is not known; 1 to 5 are read", (int)*version);
    return status;
}

/* A frame is only a hint for readers of streams, but it must be there whole. */
static pea_status frame(machine *m)
{
    const unsigned char *bytes;
    const pea_status status = take(m, 8, &bytes);
    if (status == PEA_OK && pea__load_u64(bytes) > m->n_bytes - m->at)
        return FAIL(m, "the pickle ends early: a frame of it is longer than the rest of the file");
    return status;
}

static pea_status refuse(const machine *m, unsigned op)
{
    switch (op) {
    case 'd': case 'l': case 'p': case 'g': case 'F': case 'S': case 'V': case 'P':
        return FAIL(m, "opcode %c at byte %zu belongs to pickle protocol 0, which is not read: save the file again "
                    "with the default protocol", (int)op, m->op_at);
    case 'i': return FAIL(m, "the pickle asks for an object (INST) at byte %zu: refused", m->op_at);
    case 'o': return FAIL(m, "the pickle asks for an object (OBJ) at byte %zu: refused", m->op_at);
    case 0x82: case 0x83: case 0x84:
        return FAIL(m, "the pickle uses the extension registry (EXT) at byte %zu: refused", m->op_at);
    case 0x92: return FAIL(m, "the pickle asks for an object (NEWOBJ_EX) at byte %zu: refused", m->op_at);
    case 0x96: case 0x97: case 0x98:
        return FAIL(m, "the pickle uses bytearrays or out-of-band buffers at byte %zu: refused", m->op_at);
    default: return FAIL(m, "the pickle has the opcode 0x%02x at byte %zu, which checkpoints do not need: refused", op,
                         m->op_at);
    }
}

static pea_status step(machine *m, unsigned op)
{
    size_t number = 0;
    pea_status status = PEA_OK;
    switch (op) {
    case OP_PROTO: return protocol(m);
    case OP_FRAME: return frame(m);
    case OP_MARK: return mark(m);

    case OP_NONE: return push_kind(m, PEA__NONE);
    case OP_NEWTRUE: return push_integer(m, PEA__BOOLEAN, 1);
    case OP_NEWFALSE: return push_integer(m, PEA__BOOLEAN, 0);
    case OP_BININT: return small_integer(m, 4);
    case OP_BININT1: return small_integer(m, 1);
    case OP_BININT2: return small_integer(m, 2);
    case OP_INT: return decimal(m, false);
    case OP_LONG: return decimal(m, true);
    case OP_LONG1: return long1(m);
    case OP_BINFLOAT: return binfloat(m);
    case OP_SHORT_BINUNICODE:
    case OP_SHORT_BINSTRING: return counted_text(m, 1, PEA__TEXT);
    case OP_BINUNICODE:
    case OP_BINSTRING: return counted_text(m, 4, PEA__TEXT);
    case OP_SHORT_BINBYTES: return counted_text(m, 1, PEA__BYTES);
    case OP_BINBYTES: return counted_text(m, 4, PEA__BYTES);

    case OP_EMPTY_TUPLE: return push_items(m, PEA__TUPLE, NULL, 0);
    case OP_TUPLE1: return short_tuple(m, 1);
    case OP_TUPLE2: return short_tuple(m, 2);
    case OP_TUPLE3: return short_tuple(m, 3);
    case OP_TUPLE: return marked_tuple(m);
    case OP_EMPTY_SET:
    case OP_EMPTY_LIST: return push_kind(m, PEA__LIST);
    case OP_EMPTY_DICT: return push_kind(m, PEA__DICT);
    case OP_APPEND: return append_one(m);
    case OP_ADDITEMS:
    case OP_APPENDS: return add_marked(m, PEA__LIST);
    case OP_SETITEM: return set_one(m);
    case OP_SETITEMS: return add_marked(m, PEA__DICT);

    case OP_MEMOIZE: return put(m, m->memo.n);
    case OP_BINPUT: status = memo_number(m, 1, &number); return status == PEA_OK ? put(m, number) : status;
    case OP_LONG_BINPUT: status = memo_number(m, 4, &number); return status == PEA_OK ? put(m, number) : status;
    case OP_BINGET: status = memo_number(m, 1, &number); return status == PEA_OK ? get(m, number) : status;
    case OP_LONG_BINGET: status = memo_number(m, 4, &number); return status == PEA_OK ? get(m, number) : status;

    case OP_GLOBAL: return global_by_lines(m);
    case OP_STACK_GLOBAL: return global_from_stack(m);
    case OP_NEWOBJ:
    case OP_REDUCE: return call(m);
    case OP_BUILD: return build(m);
    case OP_BINPERSID: return persistent(m);
    default: return refuse(m, op);
    }
}

static pea_status run(machine *m)
{
    for (long n = 0; n < MAX_OPCODES; n++) {
        const unsigned char *op;
        m->op_at = m->at;
        pea_status status = take(m, 1, &op);
        if (status != PEA_OK)
            return status;
        if (*op == OP_STOP)
            return m->stack.n == 1 && m->n_marks == 0
                       ? PEA_OK
                       : FAIL(m, "the pickle is damaged: it ends with %zu values instead of one", m->stack.n);
        status = step(m, *op);
        if (status != PEA_OK)
            return status;
    }
    return pea__fail(m->err, PEA_E_LIMIT, "the pickle has more than %d opcodes", (int)MAX_OPCODES);
}

pea_status pea__pickle_run(pea__pickle *pickle, const unsigned char *bytes, size_t n_bytes, pea__node **value,
                           size_t *used, pea_error *err)
{
    machine m = {.pickle = pickle, .bytes = bytes, .n_bytes = n_bytes, .err = err};
    const pea_status status = run(&m);
    if (status == PEA_OK) {
        *value = m.stack.items[0];
        *used = m.at;
    }
    free_list(&m, &m.stack);
    free_list(&m, &m.memo);
    return status;
}
