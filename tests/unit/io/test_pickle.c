/* test_pickle.c - what the pickle machine does, and every kind of hostile pickle refused for a reason that is said.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "io_test.h"

#include <math.h>

/* A dict with one tensor "a" of the four floats, as protocol 2 writes it. */
#define DICT_A "\x80\2}(" KEY_A TENSOR "u."

/* ---- what is read ---- */

static void a_dict_of_tensors_is_read(void **state)
{
    pea_error err;
    (void)state;
    assert_accepted(DICT_A);
    assert_accepted("\x80\2}" KEY_A TENSOR "s.");                          /* SETITEM */
    assert_accepted("\x80\2" "ccollections\nOrderedDict\n)R(" KEY_A TENSOR "u.");
    assert_accepted("\x80\2" "ccollections\nOrderedDict\n(](](" KEY_A TENSOR "eetR."); /* lists */
    assert_accepted("\x80\2" "ccollections\nOrderedDict\n(]" KEY_A TENSOR "\x86" "a" "tR.");
}

static void state_dicts_are_found_below_the_usual_keys(void **state)
{
    pea_error err;
    (void)state;
    assert_accepted("\x80\2}X\x0d\0\0\0model_weights" "}" KEY_A TENSOR "ss.");
    assert_accepted("\x80\2}X\x0a\0\0\0state_dict" "}" KEY_A TENSOR "ss.");
    assert_accepted("\x80\2}X\5\0\0\0model" "}" KEY_A TENSOR "ss.");
    assert_accepted("\x80\2}" KEY_A TENSOR "sX\5\0\0\0modelNs."); /* that is no dict: the top it is */
}

static void module_prefix_goes_only_when_all_have_it(void **state)
{
    static const char all[] = "\x80\2}(X\x8\0\0\0module.a" TENSOR "X\x8\0\0\0module.b" TENSOR "u.";
    static const char some[] = "\x80\2}(X\x8\0\0\0module.a" TENSOR "X\1\0\0\0b" TENSOR "u.";
    pea_error err;
    pea_weights *w;
    (void)state;
    assert_ok(import_pickle(all, sizeof all - 1, &w, &err));
    assert_string_equal(pea_weights_tensor(w, 0).name, "a");
    assert_string_equal(pea_weights_tensor(w, 1).name, "b");
    pea_weights_free(w);
    assert_ok(import_pickle(some, sizeof some - 1, &w, &err));
    assert_string_equal(pea_weights_tensor(w, 0).name, "module.a");
    pea_weights_free(w);
}

static void a_parameter_is_its_tensor(void **state)
{
    pea_error err;
    (void)state;
    assert_accepted("\x80\2}" KEY_A "ctorch._utils\n_rebuild_parameter\n(" TENSOR "\x88" "ccollections\nOrderedDict\n)RtRs.");
    assert_accepted("\x80\2}" KEY_A "ctorch._utils\n_rebuild_parameter_with_state\n(" TENSOR "\x88" "}}tRs.");
    assert_accepted("\x80\2}" KEY_A "ctorch.nn.parameter\nParameter\n" TENSOR "\x85\x81s."); /* NEWOBJ */
}

static void the_older_tensor_form_is_read(void **state)
{
    pea_error err;
    (void)state;
    assert_accepted("\x80\2}" KEY_A "ctorch._utils\n_rebuild_tensor\n("
                    STORAGE("FloatStorage", "0", "K\4") "K\0" "K\2K\2\x86" "K\2K\1\x86" "tRs.");
    assert_accepted("\x80\2}" KEY_A "ctorch._utils\n_rebuild_tensor\n("
                    STORAGE("FloatStorage", "0", "K\4") "K\0" "ctorch\nSize\nK\2K\2\x86\x85R" "K\2K\1\x86" "tRs.");
}

static void texts_of_python_2_are_read(void **state)
{
    pea_error err;
    (void)state;
    assert_accepted("\x80\2}U\1a" TENSOR "s.");
    assert_accepted("\x80\2}T\1\0\0\0a" TENSOR "s.");
}

static void numbers_of_every_spelling_are_read(void **state)
{
    static const char ending[] = "K\2K\2\x86" "K\2K\1\x86" REBUILD_END "s.";
    static const char *const fours[] = {"M\4\0", "J\4\0\0\0", "\x8a\1\4", "\x8a\x9\4\0\0\0\0\0\0\0\0", "I4\n", "L4L\n"};
    static const size_t lengths[] = {3, 5, 3, 11, 3, 4};
    pea_error err;
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        bytes b = {0};
        pea_weights *w;
        ADD(&b, "\x80\2}" KEY_A REBUILD "(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0" "0X\3\0\0\0cpu");
        add(&b, fours[i], lengths[i]);
        ADD(&b, "tQ\x8a\0"); /* an empty LONG1 is 0: the offset */
        add(&b, ending, sizeof ending - 1);
        assert_ok(import_pickle(b.at, b.n, &w, &err));
        assert_tensor(w, 0, "a", PEA_FLOAT32, four_floats, 2, 2, 2);
        pea_weights_free(w);
        drop(&b);
    }
}

static void values_that_are_no_tensors_are_dropped(void **state)
{
    pea_error err;
    (void)state;
    assert_accepted("\x80\2}(" KEY_B "G\x3f\xf0\0\0\0\0\0\0" KEY_A TENSOR "X\1\0\0\0" "c](K\1K\2N\x88\x89" "e"
                    "X\1\0\0\0" "d\x8f(K\1\x90" "X\1\0\0\0" "eC\3abc" "X\1\0\0\0" "fB\3\0\0\0abc" "u.");
}

static void known_harmless_objects_are_dropped(void **state)
{
    pea_error err;
    (void)state;
    assert_accepted("\x80\2}(" KEY_A TENSOR KEY_B "cnumpy\ndtype\nX\2\0\0\0f8\x85R(K\3tb" "u.");
    assert_accepted("\x80\2}(" KEY_A TENSOR KEY_B "ctorch\nfloat32\n" "u.");
}

static void frames_and_memoize_of_protocol_4_are_read(void **state)
{
    pea_error err;
    (void)state;
    assert_accepted("\x80\4\x95\5\0\0\0\0\0\0\0}\x94(" "\x8c\1a\x94" TENSOR "u.");
    assert_accepted("\x80\5}\x8c\1a\x94\x8c\x0c" "torch._utils\x8c\x12_rebuild_tensor_v2\x93\x94("
                    STORAGE("FloatStorage", "0", "K\4") "K\0" "K\2K\2\x86" "K\2K\1\x86" REBUILD_END "s.");
}

static void the_memo_may_count_from_1(void **state)
{
    pea_error err;
    (void)state;
    assert_accepted("\x80\2}q\1(" KEY_A "q\2" TENSOR "q\3" KEY_B "q\4h\4" "u.");
    assert_accepted("\x80\2}r\0\0\0\0(" KEY_A "r\1\0\0\0" TENSOR KEY_B "j\1\0\0\0u.");
}

static void one_tensor_may_have_two_names(void **state)
{
    static const char pickle[] = "\x80\2}(" KEY_A TENSOR "q\0" KEY_B "h\0u.";
    pea_error err;
    pea_weights *w;
    (void)state;
    assert_ok(import_pickle(pickle, sizeof pickle - 1, &w, &err));
    assert_int_equal(pea_weights_count(w), 2);
    assert_tensor(w, 1, "b", PEA_FLOAT32, four_floats, 2, 2, 2);
    pea_weights_free(w);
}

static void unknown_objects_outside_the_state_dict_are_dropped(void **state)
{
    pea_error err;
    (void)state;
    assert_accepted("\x80\2}(X\5\0\0\0model}" KEY_A TENSOR "sX\1\0\0\0x" "cmy.code\nThing\n)R}" KEY_A "Nsbu.");
    assert_accepted("\x80\2}(X\5\0\0\0model}" KEY_A TENSOR "sX\1\0\0\0x" "ccollections\ndefaultdict\n)R(K\1K\2uu.");
}

static void nodes_that_contain_each_other_are_walked_once(void **state)
{
    pea_error err;
    (void)state;
    assert_accepted("\x80\2}(" KEY_A TENSOR KEY_B "]q\0(h\0h\0" "e" "u.");             /* a list in itself, twice */
    assert_accepted("\x80\2}q\1(" KEY_A TENSOR KEY_B "]q\0(h\1h\0" "e" "X\1\0\0\0zh\1" "u."); /* and the dict in itself */
}

/* Each level doubles what a naive walk would visit. */
static void exponential_trees_are_walked_in_linear_time(void **state)
{
    pea_error err;
    bytes b = {0};
    pea_weights *w;
    (void)state;
    ADD(&b, "\x80\2}(" KEY_A TENSOR KEY_B "(]q\0");
    for (uint64_t i = 0; i < 200; i++) {
        ADD(&b, "]r");
        add_number(&b, i + 1, 4);
        ADD(&b, "(j");
        add_number(&b, i, 4);
        ADD(&b, "j");
        add_number(&b, i, 4);
        ADD(&b, "e");
    }
    ADD(&b, "tu.");
    assert_ok(import_pickle(b.at, b.n, &w, &err));
    assert_tensor(w, 0, "a", PEA_FLOAT32, four_floats, 2, 2, 2);
    pea_weights_free(w);
    drop(&b);
}

static void deep_nesting_needs_no_stack(void **state)
{
    pea_error err;
    bytes b = {0};
    pea_weights *w;
    (void)state;
    ADD(&b, "\x80\2}(" KEY_A TENSOR KEY_B ")");
    add_repeated(&b, "\x85", 1, 20000);
    ADD(&b, "u.");
    assert_ok(import_pickle(b.at, b.n, &w, &err));
    pea_weights_free(w);
    drop(&b);
}

/* ---- what is refused ---- */

static void opcodes_that_make_objects_are_refused(void **state)
{
    pea_error err;
    (void)state;
    assert_refused("\x80\2(ios\nsystem\n.", PEA_E_FORMAT, "INST");
    assert_refused("\x80\2(cos\nsystem\no.", PEA_E_FORMAT, "OBJ");
    assert_refused("\x80\2\x82\1.", PEA_E_FORMAT, "EXT");
    assert_refused("\x80\2\x83\1\0.", PEA_E_FORMAT, "EXT");
    assert_refused("\x80\2\x84\1\0\0\0.", PEA_E_FORMAT, "EXT");
    assert_refused("\x80\4cos\nsystem\n)}\x92.", PEA_E_FORMAT, "NEWOBJ_EX");
    assert_refused("\x80\5\x96\0\0\0\0\0\0\0\0.", PEA_E_FORMAT, "out-of-band");
    assert_refused("\x80\5\x97.", PEA_E_FORMAT, "out-of-band");
    assert_refused("\x80\2Pid\n.", PEA_E_FORMAT, "protocol 0");
    assert_refused("\x80\2\xff.", PEA_E_FORMAT, "opcode 0xff");
    assert_refused("\x80\2N0N.", PEA_E_FORMAT, "opcode 0x30"); /* POP */
}

static void unknown_names_are_told(void **state)
{
    pea_error err;
    (void)state;
    assert_refused("\x80\2cos\nsystem\nX\2\0\0\0ls\x85R.", PEA_E_FORMAT, "os system");
    assert_refused("\x80\2}(" KEY_A TENSOR KEY_B "cos\nsystem\nX\2\0\0\0ls\x85Ru.", PEA_E_FORMAT, "os system");
    assert_refused("\x80\2}(" KEY_A TENSOR KEY_B "](cmy.code\nThing\n)Reu.", PEA_E_FORMAT, "my.code Thing");
    assert_refused("\x80\2}(" KEY_A TENSOR KEY_B "\x8c\2os\x8c\6system\x93u.", PEA_E_FORMAT, "os system");
    assert_refused("\x80\2}" KEY_A REBUILD STORAGE("QInt8Storage", "0", "K\4") "K\0K\2K\2\x86K\2K\1\x86" REBUILD_END
                   "s.", PEA_E_FORMAT, "torch QInt8Storage");
    assert_refused("\x80\2}" KEY_A REBUILD STORAGE("ComplexFloatStorage", "0", "K\2") "K\0)" ")" REBUILD_END "s.",
                   PEA_E_FORMAT, "ComplexFloatStorage");
    assert_refused("\x80\2}" KEY_A "(X\6\0\0\0modulecmy\nNet\nX\1\0\0\0fX\1\0\0\0stQs.", PEA_E_FORMAT,
                   "whole pickled module");
}

static void items_go_only_into_what_holds_items(void **state)
{
    pea_error err;
    (void)state;
    assert_refused("\x80\2](K\1K\2u.", PEA_E_FORMAT, "items for a dict are put into a list");
    assert_refused("\x80\2]K\1K\2s.", PEA_E_FORMAT, "items for a dict are put into a list");
    assert_refused("\x80\2}(K\1" "e.", PEA_E_FORMAT, "items for a list are put into a dict");
    assert_refused("\x80\2)K\1" "a.", PEA_E_FORMAT, "put into a tuple");
    assert_refused("\x80\2X\1\0\0\0aK\1K\2s.", PEA_E_FORMAT, "put into a text");
    assert_refused("\x80\2}(K\1u.", PEA_E_FORMAT, "without a value");
    assert_refused("\x80\2]}b.", PEA_E_FORMAT, "a state is given to a list");
    assert_refused("\x80\2K\1)R.", PEA_E_FORMAT, "an integer is called");
    assert_refused("\x80\2" "ccollections\nOrderedDict\n]R.", PEA_E_FORMAT, "called with a list");
    assert_refused("\x80\2" "ccollections\nOrderedDict\nK\1\x85R.", PEA_E_FORMAT, "made of an integer");
    assert_refused("\x80\2" "ccollections\nOrderedDict\n](K\1" "e\x85R.", PEA_E_FORMAT, "pairs");
    assert_refused("\x80\2" "ccollections\nOrderedDict\n](" "K\1K\2K\3\x87" "e\x85R.", PEA_E_FORMAT, "pairs");
    assert_refused("\x80\2" "ccollections\nOrderedDict\nK\1K\1\x86R.", PEA_E_FORMAT, "2 arguments");
}

/* A tensor that something is done to afterwards may not be what its arguments say. */
static void tensors_changed_afterwards_are_refused(void **state)
{
    pea_error err;
    (void)state;
    assert_refused("\x80\2}" KEY_A TENSOR "K\0K\1ss.", PEA_E_FORMAT, "changed after it was made");
    assert_refused("\x80\2}" KEY_A TENSOR "}bs.", PEA_E_FORMAT, "changed after it was made");
}

static void stack_and_marks_cannot_be_underrun(void **state)
{
    pea_error err;
    (void)state;
    assert_refused("\x80\2.", PEA_E_FORMAT, "0 values");
    assert_refused("\x80\2NN.", PEA_E_FORMAT, "2 values");
    assert_refused("\x80\2(N.", PEA_E_FORMAT, "ends with");
    assert_refused("\x80\2t.", PEA_E_FORMAT, "no mark");
    assert_refused("\x80\2u.", PEA_E_FORMAT, "no mark");
    assert_refused("\x80\2R.", PEA_E_FORMAT, "empty");
    assert_refused("\x80\2Q.", PEA_E_FORMAT, "empty");
    assert_refused("\x80\2" "b.", PEA_E_FORMAT, "empty");
    assert_refused("\x80\2" "a.", PEA_E_FORMAT, "empty");
    assert_refused("\x80\2s.", PEA_E_FORMAT, "empty");
    assert_refused("\x80\2\x93.", PEA_E_FORMAT, "empty");
    assert_refused("\x80\2q\0.", PEA_E_FORMAT, "empty");
    assert_refused("\x80\2N\x86.", PEA_E_FORMAT, "empty");
    assert_refused("\x80\2N(R.", PEA_E_FORMAT, "empty"); /* values below the mark are not to be had */
    assert_refused("\x80\2(u.", PEA_E_FORMAT, "empty");
}

static void memo_entries_must_exist(void **state)
{
    pea_error err;
    (void)state;
    assert_refused("\x80\2h\0.", PEA_E_FORMAT, "never set");
    assert_refused("\x80\2Nq\1h\0.", PEA_E_FORMAT, "never set"); /* the gap of writers that count from 1 */
    assert_refused("\x80\2Nr\xff\xff\xff\xff.", PEA_E_FORMAT, "memo entry 4294967295");
    assert_refused("\x80\2Nr\0\0\0\x80.", PEA_E_FORMAT, "memo entry");
}

static void arguments_must_be_there_and_sane(void **state)
{
    pea_error err;
    (void)state;
    assert_refused("\x80", PEA_E_FORMAT, "ends early");
    assert_refused("\x80\2", PEA_E_FORMAT, "ends early");
    assert_refused("\x80\x0.", PEA_E_FORMAT, "protocol 0 is not known");
    assert_refused("\x80\x6.", PEA_E_FORMAT, "protocol 6 is not known");
    assert_refused("\x80\2X\xff\xff\xff\xff" "a.", PEA_E_LIMIT, "4294967295 bytes");
    assert_refused("\x80\2X\5\0\0\0a.", PEA_E_FORMAT, "ends early");
    assert_refused("\x80\2\x8a\xff.", PEA_E_FORMAT, "integer of 255 bytes");
    assert_refused("\x80\2\x8b\xff\xff\xff\x7f.", PEA_E_FORMAT, "opcode 0x8b"); /* LONG4 */
    assert_refused("\x80\2G\0\0.", PEA_E_FORMAT, "ends early");
    assert_refused("\x80\2" "cos.", PEA_E_FORMAT, "line does not end");
    assert_refused("\x80\4\x95\xff\xff\xff\xff\xff\xff\xff\xffN.", PEA_E_FORMAT, "frame");
    assert_refused("\x80\2Ix\n.", PEA_E_FORMAT, "not a number");
    assert_refused("\x80\2I\n.", PEA_E_FORMAT, "not a number");
    assert_refused("\x80\2K\1K\2\x93.", PEA_E_FORMAT, "no text");
    assert_refused(DICT_A "x", PEA_E_FORMAT, "goes on after its end");
}

static void keys_of_state_dicts_are_texts_and_unique(void **state)
{
    pea_error err;
    (void)state;
    assert_refused("\x80\2}(" KEY_A TENSOR KEY_A TENSOR "u.", PEA_E_FORMAT, "key a occurs twice");
    assert_refused("\x80\2}(" KEY_A TENSOR KEY_A "Nu.", PEA_E_FORMAT, "key a occurs twice");
    assert_refused("\x80\2}(K\1" TENSOR "u.", PEA_E_FORMAT, "not a text");
    assert_refused("\x80\2}(X\0\0\0\0" TENSOR "u.", PEA_E_FORMAT, "name of 0 bytes");
    assert_refused("\x80\2}(X\1\0\0\0\n" TENSOR "u.", PEA_E_FORMAT, "control character");
    assert_refused("\x80\2}(X\3\0\0\0\xed\xa0\x80" TENSOR "u.", PEA_E_FORMAT, "not UTF-8"); /* a lone surrogate */
}

static void a_checkpoint_without_tensors_is_refused(void **state)
{
    pea_error err;
    (void)state;
    assert_refused("\x80\2}.", PEA_E_FORMAT, "no tensor");
    assert_refused("\x80\2N.", PEA_E_FORMAT, "no dict");
    assert_refused("\x80\2}" KEY_A "}" KEY_B TENSOR "ss.", PEA_E_FORMAT, "no tensor"); /* under an unknown key */
}

static void views_must_lie_in_their_storage(void **state)
{
    pea_error err;
    (void)state;
#define VIEW(offset, size, stride) "\x80\2}" KEY_A REBUILD STORAGE("FloatStorage", "0", "K\4") offset size stride REBUILD_END "s."
    assert_refused(VIEW("K\1", "K\2K\2\x86", "K\2K\1\x86"), PEA_E_FORMAT, "reaches beyond");
    assert_refused(VIEW("K\0", "K\2K\2\x86", "K\3K\1\x86"), PEA_E_FORMAT, "reaches beyond");
    assert_refused(VIEW("K\4", ")", ")"), PEA_E_FORMAT, "reaches beyond");
    assert_refused(VIEW("K\0", "K\2\x85", "\x8a\x8\xff\xff\xff\xff\xff\xff\xff\x7f\x85"), PEA_E_FORMAT, "reaches beyond");
    assert_refused(VIEW("\x8a\x8\xff\xff\xff\xff\xff\xff\xff\x7f", "K\2\x85", "K\2\x85"), PEA_E_FORMAT, "reaches beyond");
    assert_refused(VIEW("K\0", "K\2\x85", "K\2K\1\x86"), PEA_E_FORMAT, "none negative");
    assert_refused(VIEW("K\0", "K\2\x85", "N"), PEA_E_FORMAT, "none negative");
    assert_refused(VIEW("K\0", "(K\1K\1K\1K\1K\1K\1K\1K\1K\1t", "(K\1K\1K\1K\1K\1K\1K\1K\1K\1t"), PEA_E_FORMAT,
                   "at most 8 numbers");
    assert_refused(VIEW("N", "K\2\x85", "K\2\x85"), PEA_E_FORMAT, "none negative");
}

static void an_empty_view_may_begin_anywhere(void **state)
{
    static const char pickle[] = VIEW("K\5", "K\0K\2\x86", "K\2K\1\x86");
    pea_error err;
    pea_weights *w;
    (void)state;
    assert_ok(import_pickle(pickle, sizeof pickle - 1, &w, &err));
    assert_tensor(w, 0, "a", PEA_FLOAT32, NULL, 2, 0, 2);
    pea_weights_free(w);
}

static void expanded_tensors_are_bounded(void **state)
{
    pea_error err;
    pea_weights *w;
    static const char six[] = VIEW("K\2", "K\3K\2\x86", "K\0K\1\x86");
    static const float expanded[] = {3, 4, 3, 4, 3, 4};
    (void)state;
    assert_ok(import_pickle(six, sizeof six - 1, &w, &err));
    assert_tensor(w, 0, "a", PEA_FLOAT32, expanded, 2, 3, 2);
    pea_weights_free(w);
    assert_refused(VIEW("K\0", "J\0\0\0\x40\x85", "K\0\x85"), PEA_E_LIMIT, "memory");
    assert_refused(VIEW("K\0", "K\0\x8a\x8\0\0\0\0\0\0\0\x40\x8a\1\4\x87", "K\0K\0K\0\x87"), PEA_E_LIMIT, "2^31 elements");
    assert_refused(VIEW("K\0", "\x8a\5\0\0\0\0\1\x85", "K\0\x85"), PEA_E_LIMIT, "2^31 elements");
}

static void storages_must_be_as_their_records(void **state)
{
    pea_error err;
    (void)state;
#define FIRST_OF(storage) "\x80\2}" KEY_A REBUILD storage "K\0" "K\1\x85" "K\1\x85" REBUILD_END "s."
    assert_refused(FIRST_OF(STORAGE("FloatStorage", "0", "K\5")), PEA_E_FORMAT, "20 bytes but its record has 16");
    assert_refused(FIRST_OF(STORAGE("FloatStorage", "0", "K\3")), PEA_E_FORMAT, "12 bytes but its record has 16");
    assert_refused(FIRST_OF(STORAGE("FloatStorage", "9", "K\4")), PEA_E_FORMAT, "no record for storage 9");
    assert_refused(FIRST_OF(STORAGE("FloatStorage", "0", "J\xff\xff\xff\xff")), PEA_E_FORMAT, "claims -1 elements");
    assert_refused(FIRST_OF(STORAGE("DoubleStorage", "0", "\x8a\x8\0\0\0\0\0\0\0\x40")), PEA_E_FORMAT, "claims");
    assert_refused(FIRST_OF(STORAGE("UntypedStorage", "0", "K\x10")), PEA_E_FORMAT, "without an element type");
    assert_refused(FIRST_OF("NQ"), PEA_E_FORMAT, "form of PyTorch's");
    assert_refused(FIRST_OF("(X\7\0\0\0storageNNNNtQ"), PEA_E_FORMAT, "form of PyTorch's");
    assert_refused(FIRST_OF("N"), PEA_E_FORMAT, "not described");
    assert_refused("\x80\2}(" KEY_A TENSOR KEY_B STORAGE("LongStorage", "0", "K\2") "u.", PEA_E_FORMAT,
                   "different types or sizes");
}

static void limits_of_the_machine_hold(void **state)
{
    pea_error err;
    pea_weights *w = NULL;
    bytes b = {0};
    (void)state;
    ADD(&b, "\x80\2");
    add_repeated(&b, "(", 1, 1001);
    assert_fails(import_pickle(b.at, b.n, &w, &err), PEA_E_LIMIT, "1000 marks");
    drop(&b);
    ADD(&b, "\x80\2");
    add_repeated(&b, "N", 1, 3000000); /* of a size that grants the memory */
    assert_fails(import_pickle(b.at, b.n, &w, &err), PEA_E_LIMIT, "");
    drop(&b);
    ADD(&b, "\x80\2X");
    add_number(&b, (1 << 20) + 1, 4);
    add_repeated(&b, "a", 1, (1 << 20) + 1);
    assert_fails(import_pickle(b.at, b.n, &w, &err), PEA_E_LIMIT, "text of 1048577 bytes");
    drop(&b);
    add_repeated(&b, "\x80\2", 2, 10000001);
    assert_fails(import_pickle(b.at, b.n, &w, &err), PEA_E_LIMIT, "10000000 opcodes");
    drop(&b);
    ADD(&b, "\x80\2}(" KEY_A TENSOR "q\0");
    for (int i = 0; i < PEA__MAX_TENSORS; i++) {
        char digits[16];
        snprintf(digits, sizeof digits, "%05d", i);
        ADD(&b, "X\5\0\0\0");
        add(&b, digits, 5);
        ADD(&b, "h\0");
    }
    ADD(&b, "u.");
    assert_fails(import_pickle(b.at, b.n, &w, &err), PEA_E_LIMIT, "more than 10000 tensors");
    drop(&b);
    assert_null(w);
}

static void weights_that_are_not_finite_are_refused(void **state)
{
    static const float bad[2][4] = {{1, 2, NAN, 4}, {1, 2, 3, -INFINITY}};
    static const double huge[2] = {1.0, 1e300};
    pea_error err;
    pea_weights *w = NULL;
    (void)state;
    for (int i = 0; i < 2; i++) {
        const record records[] = {{"a/data.pkl", DICT_A, sizeof DICT_A - 1}, {"a/data/0", bad[i], 16}};
        bytes b = make_zip(records, 2, NULL);
        assert_fails(import_bytes(&b, &w, NULL, &err), PEA_E_FORMAT, i ? "element 3" : "element 2");
        drop(&b);
    }
    static const char doubles[] = "\x80\2}" KEY_A REBUILD STORAGE("DoubleStorage", "0", "K\2") "K\0" "K\2\x85" "K\1\x85" REBUILD_END "s.";
    const record records[] = {{"a/data.pkl", doubles, sizeof doubles - 1}, {"a/data/0", huge, 16}};
    bytes b = make_zip(records, 2, NULL);
    assert_fails(import_bytes(&b, &w, NULL, &err), PEA_E_FORMAT, "beyond float32");
    drop(&b);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_dict_of_tensors_is_read),
    cmocka_unit_test(state_dicts_are_found_below_the_usual_keys),
    cmocka_unit_test(module_prefix_goes_only_when_all_have_it),
    cmocka_unit_test(a_parameter_is_its_tensor),
    cmocka_unit_test(the_older_tensor_form_is_read),
    cmocka_unit_test(texts_of_python_2_are_read),
    cmocka_unit_test(numbers_of_every_spelling_are_read),
    cmocka_unit_test(values_that_are_no_tensors_are_dropped),
    cmocka_unit_test(known_harmless_objects_are_dropped),
    cmocka_unit_test(frames_and_memoize_of_protocol_4_are_read),
    cmocka_unit_test(the_memo_may_count_from_1),
    cmocka_unit_test(one_tensor_may_have_two_names),
    cmocka_unit_test(unknown_objects_outside_the_state_dict_are_dropped),
    cmocka_unit_test(nodes_that_contain_each_other_are_walked_once),
    cmocka_unit_test(exponential_trees_are_walked_in_linear_time),
    cmocka_unit_test(deep_nesting_needs_no_stack),
    cmocka_unit_test(opcodes_that_make_objects_are_refused),
    cmocka_unit_test(unknown_names_are_told),
    cmocka_unit_test(items_go_only_into_what_holds_items),
    cmocka_unit_test(tensors_changed_afterwards_are_refused),
    cmocka_unit_test(stack_and_marks_cannot_be_underrun),
    cmocka_unit_test(memo_entries_must_exist),
    cmocka_unit_test(arguments_must_be_there_and_sane),
    cmocka_unit_test(keys_of_state_dicts_are_texts_and_unique),
    cmocka_unit_test(a_checkpoint_without_tensors_is_refused),
    cmocka_unit_test(views_must_lie_in_their_storage),
    cmocka_unit_test(an_empty_view_may_begin_anywhere),
    cmocka_unit_test(expanded_tensors_are_bounded),
    cmocka_unit_test(storages_must_be_as_their_records),
    cmocka_unit_test(limits_of_the_machine_hold),
    cmocka_unit_test(weights_that_are_not_finite_are_refused),
};

PEA_TEST_MAIN(tests)
