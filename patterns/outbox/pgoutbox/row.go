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

// decoder reads rows from the wire itself: it copies a row once, where a scan
// into nine variables copies and allocates for each, which was most of what the
// relay cost.
type decoder struct{ topic string } // of the row before: mostly the same

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
	id, key, headers, body := raw[1], raw[3], raw[5], raw[6]
	// One piece of memory for all that varies in length. The caps keep an
	// append to one from reaching into the next.
	own := make([]byte, 0, len(key)+len(body))
	own = append(append(own, key...), body...)
	row.Number = int64(binary.BigEndian.Uint64(raw[0]))
	row.ID = string(id)
	if d.topic != string(raw[2]) {
		d.topic = string(raw[2])
	}
	row.Topic = d.topic
	if key != nil {
		row.Key = own[:len(key):len(key)]
	}
	row.Body = own[len(key):len(own):len(own)]
	row.Lane = outbox.NoLane
	if raw[4] != nil {
		row.Lane = int(binary.BigEndian.Uint16(raw[4]))
	}
	row.Time = postgresEpoch.Add(time.Duration(int64(binary.BigEndian.Uint64(raw[7]))) * time.Microsecond)
	row.Attempts = int(binary.BigEndian.Uint32(raw[8]))
	if row.Headers, err = outbox.DecodeHeaders(string(headers)); err != nil {
		err = fmt.Errorf("message %s: %w", row.ID, err)
	}
	return row, err
}

// PostgreSQL counts microseconds from the year 2000.
var postgresEpoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
