package driver

// Window follows the deliveries of one partition from hand-out to commit.
// Acknowledgements may come in any order; what may be committed is the offset
// below which nothing is missing. The zero value is ready. It is not safe for
// concurrent use: a driver guards it together with the rest of the partition.
type Window struct {
	first   uint64  // tag of entries[head]
	entries []entry // entries[head:] are handed out, in order
	head    int
	next    int64 // the offset to commit: one past the last without a gap
	moved   bool  // next changed since Commit was called
	open    int
}

type entry struct {
	offset int64
	done   bool
}

// Add notes that the record at offset was handed out and returns its tag.
// Offsets must grow; gaps between them are fine.
func (w *Window) Add(offset int64) uint64 {
	w.entries = append(w.entries, entry{offset: offset})
	w.open++
	return w.first + uint64(len(w.entries)-w.head) - 1
}

// Done notes the acknowledgement of a tag. It reports whether it was the first.
func (w *Window) Done(tag uint64) bool {
	i := int(tag-w.first) + w.head
	if tag < w.first || i >= len(w.entries) || w.entries[i].done {
		return false
	}
	w.entries[i].done = true
	w.open--
	for w.head < len(w.entries) && w.entries[w.head].done {
		w.next, w.moved = w.entries[w.head].offset+1, true
		w.head++
		w.first++
	}
	// Move the rest down when half is spent, so that the slice does not grow for ever.
	if w.head == len(w.entries) {
		w.entries, w.head = w.entries[:0], 0
	} else if w.head > 64 && w.head > len(w.entries)/2 {
		w.entries = w.entries[:copy(w.entries, w.entries[w.head:])]
		w.head = 0
	}
	return true
}

// Open is how many were handed out and not acknowledged.
func (w *Window) Open() int { return w.open }

// Span is how many were handed out since the oldest that is not acknowledged:
// the records that a restart now would deliver again.
func (w *Window) Span() int { return len(w.entries) - w.head }

// First returns the offset of the oldest that is not acknowledged.
func (w *Window) First() (offset int64, ok bool) {
	if w.head == len(w.entries) {
		return 0, false
	}
	return w.entries[w.head].offset, true
}

// Commit returns the next offset to read after a restart, and whether it moved
// since the last call.
func (w *Window) Commit() (next int64, moved bool) {
	next, moved = w.next, w.moved
	w.moved = false
	return next, moved
}
