// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.pea.Dtype;
import org.pea.Volume;

class ScoreReportTest {
    private static Volume row(int... labels) {
        Volume v = new Volume(Dtype.UINT32, 1, 1, labels.length, 1);
        v.put(0, 0, labels);
        return v;
    }

    private static ScoreReport.Verdict judge(int[] truth, int[] prediction) {
        try (Volume t = row(truth); Volume p = row(prediction)) {
            return ScoreReport.judge(t, p);
        }
    }

    @Test void more_than_half_in_common_is_a_match() {
        ScoreReport.Verdict v = judge(new int[] {1, 1, 1, 0, 2, 2}, new int[] {1, 1, 0, 0, 2, 0});
        assertEquals(ScoreReport.MATCHED, v.truth.get(1));
        assertEquals(ScoreReport.MATCHED, v.prediction.get(1));
        assertEquals(ScoreReport.MISSED, v.truth.get(2), "half is not more than half");
        assertEquals(ScoreReport.EXTRA, v.prediction.get(2));
    }

    @Test void missed_and_extra() {
        ScoreReport.Verdict v = judge(new int[] {1, 1, 0, 0}, new int[] {0, 0, 5, 5});
        assertEquals(ScoreReport.MISSED, v.truth.get(1));
        assertEquals(ScoreReport.EXTRA, v.prediction.get(5));
    }

    @Test void split_and_merged() {
        ScoreReport.Verdict split = judge(new int[] {1, 1, 1, 1}, new int[] {1, 1, 2, 2});
        assertEquals(ScoreReport.SPLIT, split.truth.get(1));
        ScoreReport.Verdict merged = judge(new int[] {1, 1, 2, 2}, new int[] {7, 7, 7, 7});
        assertEquals(ScoreReport.MERGED, merged.prediction.get(7));
        assertEquals(ScoreReport.MISSED, merged.truth.get(1));
    }
}
