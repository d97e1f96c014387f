package rabbitbus

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

const (
	headerKey  = "ashlar-key"  // the routing key is its slot
	headerTime = "ashlar-time" // Unix time in ms: AMQP's own has seconds
	headerTag  = "ashlar-tag"  // ties a returned message to its publish
	propPrefix = "amqp."       // headers that are properties of the message: amqp.type, amqp.message-id, …
)

// properties of a message that appear as headers, both ways.
var properties = [...]struct {
	name string
	of   func(p *amqp.Publishing) *string
}{
	{"type", func(p *amqp.Publishing) *string { return &p.Type }},
	{"message-id", func(p *amqp.Publishing) *string { return &p.MessageId }},
	{"correlation-id", func(p *amqp.Publishing) *string { return &p.CorrelationId }},
	{"reply-to", func(p *amqp.Publishing) *string { return &p.ReplyTo }},
	{"app-id", func(p *amqp.Publishing) *string { return &p.AppId }},
	{"content-encoding", func(p *amqp.Publishing) *string { return &p.ContentEncoding }},
}

// publishing turns a record into a message and its routing key.
func publishing(r *driver.Record, tag uint64) (amqp.Publishing, string, error) {
	t := r.Time
	if t.IsZero() {
		t = time.Now()
	}
	p := amqp.Publishing{DeliveryMode: amqp.Persistent, Timestamp: t, Body: r.Body,
		Headers: amqp.Table{headerKey: r.Key, headerTime: t.UnixMilli(), headerTag: int64(tag)}}
	slot := rand.IntN(slots) // without a key: anywhere
	if r.Key != "" {
		slot = int(driver.Hash(r.Key, slots))
	}
	route := slotRoute(slot)
	for _, h := range r.Headers {
		if h.Name == "" || len(h.Name) > maxName || h.Name == headerKey || h.Name == headerTime || h.Name == headerTag {
			return p, "", fmt.Errorf("%w: header name %q: 1 to %d bytes, and not one of the driver's own", driver.ErrInvalid, h.Name, maxName)
		}
		if strings.EqualFold(h.Name, "content-type") && len(h.Value) <= maxName {
			p.ContentType = string(h.Value)
			continue
		}
		if name, ok := strings.CutPrefix(h.Name, propPrefix); ok && setProperty(&p, name, h.Value) {
			continue
		}
		switch old := p.Headers[h.Name].(type) {
		case nil:
			p.Headers[h.Name] = string(h.Value)
		case []any:
			p.Headers[h.Name] = append(old, string(h.Value))
		default:
			p.Headers[h.Name] = []any{old, string(h.Value)}
		}
	}
	return p, route, nil
}

func setProperty(p *amqp.Publishing, name string, v []byte) bool {
	for _, q := range properties {
		if q.name == name && len(v) <= maxName {
			*q.of(p) = string(v)
			return true
		}
	}
	return false
}

// record is publishing's inverse. Messages of other programs have their routing
// key as key.
func record(topic string, d *amqp.Delivery) driver.Record {
	r := driver.Record{Topic: topic, Key: d.RoutingKey, Body: d.Body, Time: d.Timestamp}
	add := func(name, v string) { r.Headers = append(r.Headers, driver.Header{Name: name, Value: []byte(v)}) }
	if d.ContentType != "" {
		add("content-type", d.ContentType)
	}
	p := amqp.Publishing{Type: d.Type, MessageId: d.MessageId, CorrelationId: d.CorrelationId, ReplyTo: d.ReplyTo, AppId: d.AppId, ContentEncoding: d.ContentEncoding}
	for _, q := range properties {
		if v := *q.of(&p); v != "" {
			add(propPrefix+q.name, v)
		}
	}
	for name, v := range d.Headers {
		switch {
		case name == headerKey:
			r.Key = text(v)
		case name == headerTime:
			if ms, ok := v.(int64); ok {
				r.Time = time.UnixMilli(ms)
			}
		case name == headerTag, strings.HasPrefix(name, "x-"): // the broker's
		default:
			if many, ok := v.([]any); ok {
				for _, one := range many {
					add(name, text(one))
				}
				continue
			}
			add(name, text(v))
		}
	}
	if r.Time.IsZero() {
		r.Time = time.Now() // of the delivery: AMQP keeps no time of its own
	}
	return r
}

func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []byte:
		return string(v)
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	}
	return fmt.Sprint(v)
}

func number(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case int32:
		return int64(v), true
	case int16:
		return int64(v), true
	case int8:
		return int64(v), true
	case byte:
		return int64(v), true
	}
	return 0, false
}
