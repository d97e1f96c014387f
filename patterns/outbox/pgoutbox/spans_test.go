package pgoutbox

import "testing"

func TestSpans(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		numbers         []int64
		want            string
		least, greatest int64
	}{
		{nil, "{}", 0, -1},
		{[]int64{7}, "{[7,7]}", 7, 7},
		{[]int64{1, 2, 3, 5, 8, 9}, "{[1,3],[5,5],[8,9]}", 1, 9},
		{[]int64{9, 1, 8, 2, 2}, "{[1,2],[8,9]}", 1, 9},
	} {
		if got, least, greatest := spans(tt.numbers); got != tt.want || least != tt.least || greatest != tt.greatest {
			t.Errorf("%v: %s %d %d, want %s", tt.numbers, got, least, greatest, tt.want)
		}
	}
}
