package pgoutbox

import (
	"slices"
	"strconv"
	"strings"
)

// spans writes numbers as a PostgreSQL multirange, {[1,1000],[1002,1002]}, and
// returns the least and the greatest. Rows come in runs, so a batch of a
// thousand is mostly one span: the server tests a row against it at once
// instead of walking a list, and walks the index instead of descending into it
// for each row. Without numbers the span is empty and contains nothing.
func spans(numbers []int64) (text string, least, greatest int64) {
	if len(numbers) == 0 {
		return "{}", 0, -1
	}
	if !slices.IsSorted(numbers) {
		numbers = slices.Sorted(slices.Values(numbers))
	}
	var b strings.Builder
	b.WriteByte('{')
	for i := 0; i < len(numbers); {
		from := i
		for i++; i < len(numbers) && numbers[i] <= numbers[i-1]+1; i++ {
		}
		if from > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('[')
		b.WriteString(strconv.FormatInt(numbers[from], 10))
		b.WriteByte(',')
		b.WriteString(strconv.FormatInt(numbers[i-1], 10))
		b.WriteByte(']')
	}
	b.WriteByte('}')
	return b.String(), numbers[0], numbers[len(numbers)-1]
}

// gaps reports whether a text of spans has more than one.
func gaps(text string) bool { return strings.Count(text, "[") > 1 }
