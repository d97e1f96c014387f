package pgstore

import (
	"encoding/binary"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
)

// image is the records of a group as one parameter: an array of the type
// incoming (schema.go) in PostgreSQL's binary form. An array a column would have the
// server walk seven of them side by side and join them row by row, which cost
// it as much as all the indexes, and this side as much as everything else.
type image struct {
	buf   []byte
	n     int    // rows
	row   uint32 // type of the array's elements
	now   uint64 // as PostgreSQL counts
	first first
}

// first is what tells this group from another at the same position.
type first struct {
	stream, kind, id string
	version          int64
}

// The columns' types, as the server numbers them, and the layout of an array:
// dimensions, whether there are NULLs, type, and of the one dimension length and
// lower bound.
const (
	oidBool, oidBytea, oidInt8, oidText, oidTimestamptz = 16, 17, 20, 25, 1184

	imageHead   = 20
	imageType   = 8
	imageLength = 12
	imageKeep   = 1 << 20 // a larger one is not kept for the next group
	columnCount = 9
)

// PostgreSQL counts microseconds from the year 2000.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()

// reset empties the image, for rows of the given type and time.
func (m *image) reset(row uint32, now time.Time) {
	if cap(m.buf) > imageKeep {
		m.buf = nil
	}
	m.buf = append(m.buf[:0], make([]byte, imageHead)...)
	binary.BigEndian.PutUint32(m.buf, 1)
	binary.BigEndian.PutUint32(m.buf[imageHead-4:], 1)
	m.n, m.row, m.now, m.first = 0, row, uint64(now.UnixMicro()-epoch), first{}
}

// add appends a record in the order of the type's columns.
func (m *image) add(stream string, position, version int64, r *driver.Record) {
	if m.n == 0 {
		m.first = first{stream, r.Type, r.ID, version}
	}
	m.n++
	final := byte(0)
	if r.Final {
		final = 1
	}
	b := m.buf
	at := len(b)
	b = binary.BigEndian.AppendUint32(b, 0) // length, known below
	b = binary.BigEndian.AppendUint32(b, columnCount)
	b = appendInt(b, oidInt8, uint64(position))
	b = append(column(b, oidText, len(stream)), stream...)
	b = appendInt(b, oidInt8, uint64(version))
	b = append(column(b, oidText, len(r.Type)), r.Type...)
	b = append(column(b, oidText, len(r.ID)), r.ID...)
	b = append(column(b, oidBool, 1), final)
	b = appendInt(b, oidTimestamptz, m.now)
	b = appendBytes(b, r.Data)
	b = appendBytes(b, r.Meta)
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	m.buf = b
}

func column(b []byte, oid uint32, length int) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, oid), uint32(length))
}

func appendInt(b []byte, oid uint32, v uint64) []byte {
	return binary.BigEndian.AppendUint64(column(b, oid, 8), v)
}

func appendBytes(b, v []byte) []byte {
	if v == nil {
		return column(b, oidBytea, -1) // NULL
	}
	return append(column(b, oidBytea, len(v)), v...)
}

// array returns the parameter. It holds until the next reset.
func (m *image) array() []byte {
	binary.BigEndian.PutUint32(m.buf[imageType:], m.row)
	binary.BigEndian.PutUint32(m.buf[imageLength:], uint32(m.n))
	return m.buf
}
