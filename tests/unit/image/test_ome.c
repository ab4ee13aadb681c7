/* test_ome.c - OME metadata: planes, orders, calibration, and what is refused.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "make_tiff.h"

#define HEAD "<?xml version=\"1.0\"?><!-- a comment with <tags> --><OME xmlns=\"x\" UUID=\"urn:uuid:1\"><Image ID=\"0\">"
#define TAIL "</Pixels></Image></OME>"
#define PIXELS(order, z, c, t) \
    "<Pixels DimensionOrder=\"" order "\" SizeX=\"2\" SizeY='1' SizeZ=\"" z "\" SizeC=\"" c "\" SizeT=\"" t "\""

static maker *made(const char *text, int n_pages)
{
    static unsigned char counting[64];
    maker *m = make_begin();
    for (int i = 0; i < 64; i++)
        counting[i] = (unsigned char)i;
    for (int i = 0; i < n_pages; i++)
        make_page(m, &(page){2, 1, .text = i ? NULL : text, .data = counting + 2 * i, .data_bytes = 2});
    return m;
}

static pea_image_info ome_info_of(maker *m, char notes[512])
{
    const pea_image_info info = info_of(m, notes);
    assert_string_equal(info.format, "OME-TIFF");
    return info;
}

static void pages_follow_the_dimension_order(void **state)
{
    (void)state;
    /* frame 0 as (z, x, c): pages are counted along the order */
    assert_reads(made(HEAD PIXELS("XYCZT", "2", "2", "1") "><TiffData/>" TAIL, 4), 0, (double[]){0, 2, 1, 3, 4, 6, 5, 7}, 8);
    assert_reads(made(HEAD PIXELS("XYZCT", "2", "2", "1") "><TiffData/>" TAIL, 4), 0, (double[]){0, 4, 1, 5, 2, 6, 3, 7}, 8);
    assert_reads(made(HEAD PIXELS("XYTZC", "1", "2", "2") "><TiffData/>" TAIL, 4), 0, (double[]){0, 4, 1, 5}, 4);
    assert_reads(made(HEAD PIXELS("XYCTZ", "2", "1", "2") "/></Image></OME>", 4), 0, (double[]){0, 1, 4, 5}, 4);
}

static void every_plane_may_name_its_page(void **state)
{
    (void)state;
    assert_reads(made(HEAD PIXELS("XYZCT", "3", "1", "1") "><TiffData IFD=\"2\" FirstZ=\"0\"/><TiffData IFD=\"0\" FirstZ=\"1\" "
                      "PlaneCount=\"1\"><UUID FileName=\"me.tif\">urn:uuid:1</UUID></TiffData><ome:TiffData IFD=\"1\" FirstZ=\"2\"/>"
                      TAIL, 3), 0, (double[]){4, 5, 0, 1, 2, 3}, 6);
    assert_refused(made(HEAD PIXELS("XYZCT", "2", "1", "1") "><TiffData IFD=\"0\"/>" TAIL, 2), PEA_E_FORMAT, "1 of 2 planes");
    assert_refused(made(HEAD PIXELS("XYZCT", "2", "1", "1") "><TiffData IFD=\"0\"/><TiffData IFD=\"1\"/>" TAIL, 2), PEA_E_FORMAT,
                   "plane 1 twice");
    assert_refused(made(HEAD PIXELS("XYZCT", "2", "1", "1") "><TiffData IFD=\"7\"/>" TAIL, 2), PEA_E_FORMAT, "page 8");
    assert_refused(made(HEAD PIXELS("XYZCT", "2", "1", "1") "><TiffData FirstZ=\"2\"/>" TAIL, 2), PEA_E_FORMAT, "slice 3");
    assert_refused(made(HEAD PIXELS("XYZCT", "2", "1", "1") "><TiffData FirstZ=\"-1\"/>" TAIL, 2), PEA_E_FORMAT, "FirstZ");
    assert_refused(made(HEAD PIXELS("XYZCT", "2", "1", "1") "><TiffData IFD=\"1\" PlaneCount=\"9999999999\"/>" TAIL, 2),
                   PEA_E_FORMAT, "page 3 to plane 2");
}

static void sets_of_several_files_are_refused_by_name(void **state)
{
    (void)state;
    assert_refused(made(HEAD PIXELS("XYZCT", "1", "1", "1") "><TiffData IFD=\"0\"><UUID FileName=\"other.ome.tif\">urn:uuid:2</UUID>"
                        "</TiffData>" TAIL, 1), PEA_E_FORMAT, "\"other.ome.tif\"");
    assert_refused(made("<OME><Image>" PIXELS("XYZCT", "2", "1", "1") "><TiffData IFD=\"0\"><UUID FileName=\"a.tif\"/></TiffData>"
                        "<TiffData IFD=\"1\" FirstZ=\"1\"><UUID FileName=\"b\x01.tif\"/></TiffData>" TAIL, 2), PEA_E_FORMAT, "\"b?.tif\"");
    assert_refused(made(HEAD PIXELS("XYZCT", "1", "1", "1") "><MetadataOnly/>" TAIL, 1), PEA_E_FORMAT, "elsewhere");
    assert_refused(made("<OME><BinaryOnly MetadataFile=\"set.companion.ome\"/></OME>", 1), PEA_E_FORMAT, "set.companion.ome");
    assert_refused(made(HEAD PIXELS("XYZCT", "5", "1", "1") "/></Image></OME>", 3), PEA_E_FORMAT, "the file has 3 pages");
}

static void sizes_must_agree_with_the_pages(void **state)
{
    (void)state;
    assert_refused(made("<OME><Image><Pixels DimensionOrder=\"XYZCT\" SizeX=\"3\" SizeY=\"1\" SizeZ=\"1\" SizeC=\"1\" SizeT=\"1\"/>"
                        "</Image></OME>", 1), PEA_E_FORMAT, "3 x 1 pixels");
    assert_refused(made(HEAD PIXELS("XYZCT", "0", "1", "1") "/></Image></OME>", 1), PEA_E_FORMAT, "SizeZ");
    assert_refused(made(HEAD PIXELS("XYZCT", "x", "1", "1") "/></Image></OME>", 1), PEA_E_FORMAT, "SizeZ=\"x\"");
    assert_refused(made(HEAD PIXELS("ZYXCT", "1", "1", "1") "/></Image></OME>", 1), PEA_E_FORMAT, "order \"ZYXCT\"");
    assert_refused(made("<OME></OME>", 1), PEA_E_FORMAT, "no pixels");
    assert_refused(made(HEAD PIXELS("XYZCT", "2147483647", "2147483647", "2147483647") "/></Image></OME>", 1), PEA_E_FORMAT, "1 pages");
}

static void samples_of_rgb_pages_are_channels(void **state)
{
    static const unsigned char rgb[] = {1, 2, 3, 4, 5, 6};
    (void)state;
    assert_reads(make_one(&(page){2, 1, .samples = 3, .photometric = 2, .data = rgb, .data_bytes = 6,
                                  .text = HEAD PIXELS("XYCZT", "1", "3", "1") "><Channel SamplesPerPixel=\"3\"/><TiffData/>" TAIL}),
                 0, (double[]){1, 2, 3, 4, 5, 6}, 6);
    assert_refused(make_one(&(page){2, 1, .samples = 3, .photometric = 2, .data = rgb, .data_bytes = 6,
                                    .text = HEAD PIXELS("XYCZT", "1", "2", "1") "><TiffData/>" TAIL}), PEA_E_FORMAT, "3 samples");
}

static void physical_sizes_are_calibration(void **state)
{
    char notes[512];
    (void)state;
    pea_image_info info = ome_info_of(made(HEAD PIXELS("XYZCT", "1", "1", "1") " PhysicalSizeX=\"0.25\" PhysicalSizeY=\"250\" "
        "PhysicalSizeYUnit=\"nm\" PhysicalSizeZ=\".001\" PhysicalSizeZUnit=\"mm\" TimeIncrement=\"500\" TimeIncrementUnit=\"ms\"/>"
        "</Image></OME>", 1), NULL);
    assert_true(info.calibration.x == 0.25 && info.calibration.frame_s == 0.5);
    assert_true(info.calibration.y > 0.2499999999 && info.calibration.y < 0.2500000001);
    assert_true(info.calibration.z > 0.9999999999 && info.calibration.z < 1.0000000001);
    assert_string_equal(info.calibration.unit, "um");
    info = ome_info_of(made(HEAD PIXELS("XYZCT", "1", "1", "1") " PhysicalSizeX=\"2\" PhysicalSizeXUnit=\"&#xB5;m\" PhysicalSizeZ=\"3\" "
        "PhysicalSizeZUnit=\"reference &amp;&lt;&gt;&quot;&apos;\"/></Image><Image ID=\"1\"/></OME>", 1), notes);
    assert_true(info.calibration.x == 2 && info.calibration.y == 2 && info.calibration.z == 3);
    assert_string_equal(info.calibration.unit, "um");
    assert_non_null(strstr(notes, "different units"));
    assert_non_null(strstr(notes, "first of 2 images"));
    info = ome_info_of(made(HEAD PIXELS("XYZCT", "1", "1", "1") " TimeIncrement=\"2\"/></Image></OME>", 1), NULL);
    assert_true(info.calibration.frame_s == 2 && info.calibration.x == 1);
    assert_string_equal(info.calibration.unit, "pixel");
}

static void unsound_xml_is_refused(void **state)
{
    static const char *const cases[][2] = {
        {"<OME><Image>", "ends inside an element"},
        {"<OME><!DOCTYPE x [<!ENTITY a \"b\">]></OME>", "document types"},
        {"<OME><!-- never closed ", "no end"},
        {"<OME><Image a=\"", "no end"},
        {"<OME><Image <a></OME>", "no end"},
        {"<OME></OME></OME>", "never began"},
        {"<OME>< ></OME>", "no name"},
        {"<OME><a:></a:></OME>", "no name"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_refused(made(cases[i][0], 1), PEA_E_FORMAT, cases[i][1]);
}

static void nesting_is_limited(void **state)
{
    char text[2000] = "<OME>";
    (void)state;
    for (int depth = 2; depth <= 65; depth++)
        strcat(text, "<a>");
    assert_refused(made(text, 1), PEA_E_LIMIT, "deeper than 64");
}

static void other_descriptions_are_no_ome(void **state)
{
    static const char *const texts[] = {"<html>OME</html>", "<!DOCTYPE OME><OME/>", "<OME", "<!-- x --", "plain <OME/>", "<?xml ?>"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_reads(made(texts[i], 1), 0, (double[]){0, 1}, 2);
}

static void attributes_are_found_among_others(void **state)
{
    const char text[] = "<a:b  one = 'x' two=\"&amp;&#65;&#x42;&unknown;&\" three='/>' four/>";
    pea__xml xml = {text, text + strlen(text), 0};
    pea__xml_tag element;
    bool found;
    pea_error err;
    char value[64];
    (void)state;
    assert_ok(pea__xml_next(&xml, &element, &found, &err));
    assert_true(found && pea__xml_is(&element, "b") && element.depth == 1 && !element.closes);
    assert_true(pea__xml_attribute(&element, "one", value, sizeof value) && strcmp(value, "x") == 0);
    assert_true(pea__xml_attribute(&element, "two", value, sizeof value) && strcmp(value, "&AB&unknown;&") == 0);
    assert_true(pea__xml_attribute(&element, "three", value, sizeof value) && strcmp(value, "/>") == 0);
    assert_false(pea__xml_attribute(&element, "four", value, sizeof value));
    assert_false(pea__xml_attribute(&element, "x", value, sizeof value));
    assert_true(pea__xml_attribute(&element, "two", value, 8)); /* cut, not overrun */
    assert_true(strlen(value) < 8);
    assert_ok(pea__xml_next(&xml, &element, &found, &err));
    assert_false(found);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(pages_follow_the_dimension_order),
    cmocka_unit_test(every_plane_may_name_its_page),
    cmocka_unit_test(sets_of_several_files_are_refused_by_name),
    cmocka_unit_test(sizes_must_agree_with_the_pages),
    cmocka_unit_test(samples_of_rgb_pages_are_channels),
    cmocka_unit_test(physical_sizes_are_calibration),
    cmocka_unit_test(unsound_xml_is_refused),
    cmocka_unit_test(nesting_is_limited),
    cmocka_unit_test(other_descriptions_are_no_ome),
    cmocka_unit_test(attributes_are_found_among_others),
};

PEA_TEST_MAIN(tests)
