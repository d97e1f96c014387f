package pgoutbox

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ashlar-dev/ashlar/patterns/outbox"
)

// columns of a row, in the order in which decodeRow reads them.
const columns = `id, message_id, topic, key, lane, headers, body, staged_at, attempts`

// decoder reads the rows of a batch from the wire itself, into few and large
// pieces of memory: a scan into nine variables copies and allocates for each,
// which was most of what the relay cost, and then collecting that garbage was.
type decoder struct {
	topic   string // of the row before: mostly the same
	text    []byte // for one row
	bytes   []byte // for keys and bodies of many
	headers []outbox.Header
}

const (
	bytesPiece   = 64 << 10
	headersPiece = 256
)

// check reports numbers and times that did not come in binary form, as pgx asks
// for them.
func (d *decoder) check(r pgx.Rows) error {
	for i, f := range r.FieldDescriptions() {
		isText := i == 1 || i == 2 || i == 5
		if !isText && f.Format != pgx.BinaryFormatCode {
			return fmt.Errorf("column %s came as text; do not set default_query_exec_mode to a simple or text protocol for the relay", f.Name)
		}
	}
	return nil
}

func (d *decoder) row(raw [][]byte) (row outbox.Row, err error) {
	id, headers := raw[1], raw[5]
	d.text = append(append(d.text[:0], id...), headers...)
	text := string(d.text)
	row.Number = int64(binary.BigEndian.Uint64(raw[0]))
	row.ID = text[:len(id)]
	if d.topic != string(raw[2]) {
		d.topic = string(raw[2])
	}
	row.Topic = d.topic
	if raw[3] != nil {
		row.Key = d.own(raw[3])
	}
	row.Body = d.own(raw[6])
	row.Lane = outbox.NoLane
	if raw[4] != nil {
		row.Lane = int(binary.BigEndian.Uint16(raw[4]))
	}
	row.Time = postgresEpoch.Add(time.Duration(int64(binary.BigEndian.Uint64(raw[7]))) * time.Microsecond)
	row.Attempts = int(binary.BigEndian.Uint32(raw[8]))
	if len(headers) > 0 {
		if row.Headers, err = d.list(text[len(id):]); err != nil {
			err = fmt.Errorf("message %s: %w", row.ID, err)
		}
	}
	return row, err
}

// own copies b. The cap keeps an append to it from reaching into the next.
func (d *decoder) own(b []byte) []byte {
	if len(b) > cap(d.bytes)-len(d.bytes) {
		d.bytes = make([]byte, 0, max(bytesPiece, len(b)))
	}
	from := len(d.bytes)
	d.bytes = append(d.bytes, b...)
	return d.bytes[from:len(d.bytes):len(d.bytes)]
}

// list decodes headers.
func (d *decoder) list(text string) ([]outbox.Header, error) {
	if cap(d.headers)-len(d.headers) < headersPiece/8 {
		d.headers = make([]outbox.Header, 0, headersPiece)
	}
	from := len(d.headers)
	all, err := outbox.AppendHeaders(d.headers, text)
	if err != nil {
		return nil, err
	}
	d.headers = all
	return all[from:len(all):len(all)], nil
}

// PostgreSQL counts microseconds from the year 2000.
var postgresEpoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
