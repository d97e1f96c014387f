package jaeger

import (
	"errors"
	"fmt"

	"github.com/ashlar-dev/ashlar/formats/doc/jsonstream"
)

type decoder struct {
	*jsonstream.Reader
	limits Limits
	yield  func(*Trace) error
	found  bool // a trace
	empty  bool // an export without traces
}

// stream reads values until the end.
func (d *decoder) stream() error {
	for {
		k, err := d.Next()
		if err != nil || k == jsonstream.End {
			return err
		}
		if err := d.value(k); err != nil {
			return err
		}
	}
}

func (d *decoder) value(k jsonstream.Kind) error {
	switch k {
	case jsonstream.Array:
		return d.Array(func() error {
			k, err := d.Next()
			if err != nil {
				return err
			}
			return d.value(k)
		})
	case jsonstream.Object:
		return d.export()
	}
	return d.Skip()
}

// export reads an object that is an export or a trace: which of them shows in
// its members.
func (d *decoder) export() error {
	var t Trace
	isTrace := false
	err := d.Object(func(key string) error {
		switch key {
		case "data":
			k, err := d.Next()
			if err != nil || k != jsonstream.Array {
				return errors.Join(err, d.Skip())
			}
			d.empty = true
			return d.value(k)
		case "spans":
			isTrace = true
		}
		return d.traceMember(&t, key)
	})
	if err != nil || !isTrace {
		return err
	}
	return d.finish(&t)
}

func (d *decoder) traceMember(t *Trace, key string) (err error) {
	switch key {
	case "traceID":
		t.ID, err = d.Text()
	case "spans":
		return d.list(func() error { return d.traceSpan(t) })
	case "processes":
		return d.object(func(id string) error {
			p, err := d.process()
			if t.Processes == nil {
				t.Processes = map[string]Process{}
			}
			if len(t.Processes) < d.limits.Spans {
				t.Processes[id] = p
			}
			return err
		})
	case "warnings":
		t.Warnings, err = d.texts()
	default:
		return d.Skip()
	}
	return err
}

// finish gives a trace to the caller.
func (d *decoder) finish(t *Trace) error {
	if t.ID == "" && len(t.Spans) > 0 {
		t.ID = t.Spans[0].TraceID
	}
	return d.yield(t)
}

func (d *decoder) fault(t *Trace, at int64, what string) {
	if len(t.Faults) < d.limits.Faults {
		t.Faults = append(t.Faults, &jsonstream.Fault{Offset: at, What: what})
	}
}

func (d *decoder) traceSpan(t *Trace) error {
	at := d.Offset()
	if len(t.Spans) >= d.limits.Spans {
		d.fault(t, at, fmt.Sprintf("trace %.40s has more than %d spans; the rest is left out", t.ID, d.limits.Spans))
		return d.Skip()
	}
	if k, err := d.Next(); err != nil || k != jsonstream.Object {
		d.fault(t, at, fmt.Sprintf("want a span, have %s", k))
		return errors.Join(err, d.Skip())
	}
	s := Span{TraceID: t.ID}
	room := d.limits.Tags
	if err := d.Object(func(key string) error { return d.spanMember(&s, key, &room) }); err != nil {
		return err
	}
	switch {
	case s.SpanID == "":
		d.fault(t, at, "a span without spanID")
	case s.Duration < 0:
		d.fault(t, at, fmt.Sprintf("span %.40s has a duration below zero", s.SpanID))
	default:
		t.Spans = append(t.Spans, s)
	}
	return nil
}

func (d *decoder) spanMember(s *Span, key string, room *int) (err error) {
	switch key {
	case "traceID":
		s.TraceID, err = d.Text()
	case "spanID":
		s.SpanID, err = d.Text()
	case "parentSpanID":
		s.ParentID, err = d.Text()
	case "flags":
		s.Flags, err = d.Int()
	case "operationName":
		s.Operation, err = d.Text()
	case "startTime":
		s.Start, err = d.Int()
	case "duration":
		s.Duration, err = d.Int()
	case "processID":
		s.ProcessID, err = d.Text()
	case "process":
		var p Process
		p, err = d.process()
		if p.Service != "" {
			s.Process = &p
		}
	case "references":
		s.References, err = d.references(room)
	case "tags":
		s.Tags, err = d.tags(room)
	case "logs":
		s.Logs, err = d.logs(room)
	case "warnings":
		s.Warnings, err = d.texts()
	default:
		return d.Skip()
	}
	return err
}

// references leaves out what a reference embeds: a copy of the other span.
func (d *decoder) references(room *int) (refs []Reference, err error) {
	err = d.list(func() error {
		var r Reference
		err := d.object(func(key string) (err error) {
			switch key {
			case "refType":
				r.Type, err = d.Text()
			case "traceID":
				r.TraceID, err = d.Text()
			case "spanID":
				r.SpanID, err = d.Text()
			default:
				return d.Skip()
			}
			return err
		})
		if *room--; *room >= 0 {
			refs = append(refs, r)
		}
		return err
	})
	return refs, err
}

func (d *decoder) tags(room *int) (tags []Tag, err error) {
	err = d.list(func() error {
		var t Tag
		err := d.object(func(key string) (err error) {
			switch key {
			case "key":
				t.Key, err = d.Text()
			case "type":
				t.Type, err = d.Text()
			case "value":
				t.Value, _, err = d.Scalar()
			default:
				return d.Skip()
			}
			return err
		})
		if *room--; *room >= 0 {
			tags = append(tags, t)
		}
		return err
	})
	return tags, err
}

func (d *decoder) logs(room *int) (logs []Log, err error) {
	err = d.list(func() error {
		var l Log
		err := d.object(func(key string) (err error) {
			switch key {
			case "timestamp":
				l.Timestamp, err = d.Int()
			case "fields":
				l.Fields, err = d.tags(room)
			default:
				return d.Skip()
			}
			return err
		})
		if *room--; *room >= 0 {
			logs = append(logs, l)
		}
		return err
	})
	return logs, err
}

func (d *decoder) process() (p Process, err error) {
	room := d.limits.Tags
	err = d.object(func(key string) (err error) {
		switch key {
		case "serviceName":
			p.Service, err = d.Text()
		case "tags":
			p.Tags, err = d.tags(&room)
		default:
			return d.Skip()
		}
		return err
	})
	return p, err
}

func (d *decoder) texts() (out []string, err error) {
	err = d.list(func() error {
		s, _, err := d.Scalar()
		if len(out) < d.limits.Faults {
			out = append(out, s)
		}
		return err
	})
	return out, err
}

// list and object read what may also be null or, in a file by another hand, of
// another kind, which counts as absent.
func (d *decoder) list(each func() error) error {
	if k, err := d.Next(); err != nil || k != jsonstream.Array {
		return errors.Join(err, d.Skip())
	}
	return d.Array(each)
}

func (d *decoder) object(each func(string) error) error {
	if k, err := d.Next(); err != nil || k != jsonstream.Object {
		return errors.Join(err, d.Skip())
	}
	return d.Object(each)
}
