// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;

import org.junit.jupiter.api.Test;
import org.pea.Calibration;

import ij.measure.ResultsTable;

class InstanceTableTest {
    private static final String CSV =
        "label,area_um2,n_voxels,centroid_x_um,centroid_y_um,box_x_um,box_y_um,confidence\r\n"
        + "1,2.5,10,100,20.25,99.5,20,\r\n"
        + "2,5,20,123456780,3,1.5,2,0.75\r\n";

    @Test void label_is_first_and_empty_is_no_number() {
        ResultsTable table = InstanceTable.of(CSV);
        assertEquals(2, table.size());
        assertEquals("Label", table.getColumnHeading(0));
        assertEquals("area_um2", table.getColumnHeading(1));
        assertEquals(2, table.getValue("Label", 1));
        assertTrue(Double.isNaN(table.getValue("confidence", 0)));
        assertEquals(0.75, table.getValue("confidence", 1));
    }

    @Test void small_numbers_of_large_units_are_shown() {
        ResultsTable table = InstanceTable.of("label,area_mm2,n_voxels\r\n1,0.0000123,49\r\n");
        assertEquals("1.230E-5", table.getStringValue("area_mm2", 0));
        assertEquals("49", table.getStringValue("n_voxels", 0));
    }

    @Test void no_instance_is_a_table_without_rows() {
        assertEquals(0, InstanceTable.of(CSV.substring(0, CSV.indexOf('\n') + 1)).size());
    }

    @Test void fields_may_be_quoted() {
        assertEquals(Arrays.asList("label", "area_a,\"b2", ""), InstanceTable.fields("label,\"area_a,\"\"b2\","));
    }

    @Test void places_move_with_the_selection_and_sizes_do_not() {
        String[] rows = InstanceTable.moved(CSV, 8, 4, new Calibration(1, 0.5, 0.25, "um")).split("\r\n");
        assertEquals("1,2.5,10,102,22.25,101.5,22,", rows[1]);
        assertEquals("2,5,20,123456782,5,3.5,4,0.75", rows[2]); // nine digits
    }

    @Test void without_a_selection_the_text_is_the_librarys() {
        assertEquals(CSV, InstanceTable.moved(CSV, 0, 0, null));
    }
}
