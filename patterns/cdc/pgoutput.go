package cdc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// The messages of PostgreSQL's pgoutput plugin, protocol version 1, as its
// manual's chapter "Logical Replication Message Formats" lays them out. All
// numbers are big endian, text ends with a zero byte.

// FormatError is a message of the replication stream that cannot be read.
type FormatError struct {
	Message byte // its first byte
	Offset  int  // in bytes
	Reason  string
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("cdc: pgoutput message %q at byte %d: %s; is the slot's plugin pgoutput, and the server PostgreSQL 14 or newer?", e.Message, e.Offset, e.Reason)
}

type (
	beginMessage struct {
		final LSN // of the commit record
		time  time.Time
		xid   uint32
	}
	commitMessage struct {
		commit, end LSN
		time        time.Time
	}
	relationMessage struct {
		id            uint32
		schema, table string
		columns       []relationColumn
	}
	relationColumn struct {
		name string
		oid  uint32
		key  bool
	}
	rowMessage struct {
		kind     Kind
		relation uint32
		old, new []rawValue // nil: not sent
	}
	truncateMessage struct{ relations []uint32 }
	logicalMessage  struct {
		transactional bool
		prefix        string
		content       []byte
	}
	rawValue struct {
		state byte // 'n' null, 'u' unchanged and not sent, 't' text
		text  []byte
	}
)

// decode reads one message; a kind that matters to nobody here gives nil.
func decode(b []byte) (message any, err error) {
	if len(b) == 0 {
		return nil, &FormatError{Reason: "it is empty"}
	}
	r := reader{b: b, at: 1}
	defer func() {
		if p := recover(); p != nil {
			short, ok := p.(shortRead)
			if !ok {
				panic(p)
			}
			message, err = nil, &FormatError{Message: b[0], Offset: r.at, Reason: string(short)}
		}
	}()
	switch b[0] {
	case 'B':
		message = beginMessage{final: r.lsn(), time: r.time(), xid: r.u32()}
	case 'C':
		r.u8() // flags, unused
		message = commitMessage{commit: r.lsn(), end: r.lsn(), time: r.time()}
	case 'R':
		message = r.relation()
	case 'I':
		message = r.row(Insert)
	case 'U':
		message = r.row(Update)
	case 'D':
		message = r.row(Delete)
	case 'T':
		message = r.truncate()
	case 'M':
		m := logicalMessage{transactional: r.u8()&1 == 1}
		r.lsn()
		m.prefix = r.text()
		m.content = r.bytes(int(r.u32()))
		message = m
	case 'O', 'Y': // origin, type
		return nil, nil
	default:
		return nil, &FormatError{Message: b[0], Reason: "its kind is unknown"}
	}
	if r.at != len(b) {
		return nil, &FormatError{Message: b[0], Offset: r.at, Reason: fmt.Sprintf("%d bytes are left over", len(b)-r.at)}
	}
	return message, nil
}

// reader walks a message; a short one ends the walk by a panic with shortRead,
// which decode turns into its error.
type reader struct {
	b  []byte
	at int
}

type shortRead string

func (r *reader) bytes(n int) []byte {
	if n < 0 || n > len(r.b)-r.at {
		panic(shortRead(fmt.Sprintf("it ends within a field of %d bytes", n)))
	}
	r.at += n
	return r.b[r.at-n : r.at]
}

func (r *reader) u8() byte    { return r.bytes(1)[0] }
func (r *reader) u16() uint16 { return binary.BigEndian.Uint16(r.bytes(2)) }
func (r *reader) u32() uint32 { return binary.BigEndian.Uint32(r.bytes(4)) }
func (r *reader) u64() uint64 { return binary.BigEndian.Uint64(r.bytes(8)) }
func (r *reader) lsn() LSN    { return LSN(r.u64()) }

func (r *reader) time() time.Time { return fromPostgres(int64(r.u64())) }

func (r *reader) text() string {
	for i, c := range r.b[r.at:] {
		if c == 0 {
			s := string(r.b[r.at : r.at+i])
			r.at += i + 1
			return s
		}
	}
	panic(shortRead("it ends within a text"))
}

func (r *reader) relation() relationMessage {
	m := relationMessage{id: r.u32(), schema: r.text(), table: r.text()}
	r.u8() // replica identity; the key flags of the columns say what follows from it
	n := int(r.u16())
	for range n {
		c := relationColumn{key: r.u8()&1 == 1, name: r.text(), oid: r.u32()}
		r.u32() // type modifier
		m.columns = append(m.columns, c)
	}
	return m
}

func (r *reader) row(kind Kind) rowMessage {
	m := rowMessage{kind: kind, relation: r.u32()}
	mark := r.u8()
	if mark == 'K' || mark == 'O' {
		if kind == Insert {
			panic(shortRead("an insert has an old row"))
		}
		m.old = r.tuple()
		if kind == Delete {
			return m
		}
		mark = r.u8()
	}
	if mark != 'N' || kind == Delete {
		panic(shortRead(fmt.Sprintf("a row is marked %q", mark)))
	}
	m.new = r.tuple()
	return m
}

func (r *reader) tuple() []rawValue {
	n := int(r.u16())
	values := make([]rawValue, 0, min(n, 64))
	for range n {
		v := rawValue{state: r.u8()}
		switch v.state {
		case 'n', 'u':
		case 't':
			v.text = r.bytes(int(r.u32()))
		default:
			panic(shortRead(fmt.Sprintf("a value is of kind %q", v.state)))
		}
		values = append(values, v)
	}
	return values
}

func (r *reader) truncate() truncateMessage {
	n := r.u32()
	r.u8() // CASCADE and RESTART IDENTITY
	var m truncateMessage
	for range n {
		m.relations = append(m.relations, r.u32())
	}
	return m
}

// PostgreSQL counts microseconds from the year 2000.
var postgresEpoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func fromPostgres(us int64) time.Time {
	return time.UnixMicro(postgresEpoch.UnixMicro() + us).UTC()
}

func toPostgres(t time.Time) int64 { return t.UnixMicro() - postgresEpoch.UnixMicro() }

var errUnknownRelation = errors.New("cdc: a change of a table that was not described before")
