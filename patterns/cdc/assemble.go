package cdc

import "fmt"

// assembler turns messages of the stream into batches: one a transaction, or
// several for one with more than limit changes.
type assembler struct {
	limit     int
	heartbeat string   // prefix of our own messages
	from      Position // what the sink has: skipped when it comes again
	relations map[uint32]relationMessage

	begin  beginMessage
	inTx   bool
	beat   bool     // the transaction holds our heartbeat
	seen   int      // changes of the transaction so far
	gather []Change // of it, not yet handed on
}

func newAssembler(limit int, heartbeat string, from Position) *assembler {
	return &assembler{limit: limit, heartbeat: heartbeat, from: from, relations: map[uint32]relationMessage{}}
}

// add takes a decoded message and returns a batch when one is full.
func (a *assembler) add(message any) (batch Batch, full bool, err error) {
	switch m := message.(type) {
	case relationMessage:
		a.relations[m.id] = m
	case beginMessage:
		a.begin, a.inTx, a.beat, a.seen = m, true, false, 0
	case rowMessage:
		c, err := a.change(m)
		if err != nil {
			return batch, false, err
		}
		return a.take(c)
	case truncateMessage:
		return a.truncate(m)
	case logicalMessage:
		a.beat = a.beat || m.transactional && m.prefix == a.heartbeat
	case commitMessage:
		return a.commit(m)
	}
	return batch, false, nil
}

// known reports whether the sink has the whole transaction.
func (a *assembler) known() bool { return a.begin.final < a.from.LSN }

func (a *assembler) take(changes ...Change) (batch Batch, full bool, err error) {
	for _, c := range changes {
		a.seen++
		if a.known() || a.begin.final == a.from.Open && a.seen <= a.from.Part {
			continue
		}
		a.gather = append(a.gather, c)
	}
	if len(a.gather) < a.limit {
		return batch, false, nil
	}
	batch = Batch{Changes: a.gather, Position: Position{LSN: a.from.LSN, Open: a.begin.final, Part: a.seen}}
	a.gather = nil
	return batch, true, nil
}

func (a *assembler) commit(m commitMessage) (batch Batch, full bool, err error) {
	a.inTx = false
	if a.known() {
		return batch, false, nil
	}
	batch = Batch{Changes: a.gather, Position: Position{LSN: m.end}}
	// A transaction of other tables is no news, a heartbeat is; and so is the
	// end of a transaction that went out in parts.
	full = len(batch.Changes) > 0 || a.beat || a.seen > 0
	a.gather = nil
	a.from = batch.Position
	return batch, full, nil
}

func (a *assembler) truncate(m truncateMessage) (Batch, bool, error) {
	var changes []Change
	for _, id := range m.relations {
		rel, ok := a.relations[id]
		if !ok {
			return Batch{}, false, fmt.Errorf("%w (%d)", errUnknownRelation, id)
		}
		changes = append(changes, Change{Kind: Truncate, Schema: rel.schema, Table: rel.table, XID: a.begin.xid, Committed: a.begin.time})
	}
	return a.take(changes...)
}

func (a *assembler) change(m rowMessage) (Change, error) {
	rel, ok := a.relations[m.relation]
	if !ok {
		return Change{}, fmt.Errorf("%w (%d)", errUnknownRelation, m.relation)
	}
	c := Change{Kind: m.kind, Schema: rel.schema, Table: rel.table, XID: a.begin.xid, Committed: a.begin.time}
	var err error
	if c.New, err = rel.row(m.new); err != nil {
		return c, err
	}
	c.Old, err = rel.row(m.old)
	return c, err
}

func (r relationMessage) row(values []rawValue) (Row, error) {
	if values == nil {
		return nil, nil
	}
	if len(values) != len(r.columns) {
		return nil, fmt.Errorf("cdc: %s.%s: a row of %d values for %d columns", r.schema, r.table, len(values), len(r.columns))
	}
	row := make(Row, len(values))
	for i, v := range values {
		c := r.columns[i]
		row[i] = Column{Name: c.name, OID: c.oid, Key: c.key, Null: v.state == 'n', Unchanged: v.state == 'u', Text: string(v.text)}
	}
	return row, nil
}
