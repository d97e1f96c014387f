package natsbus

import (
	"fmt"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// What has no place of its own in a NATS message travels as headers.
const (
	headerKey  = "Ashlar-Key"  // percent-encoded
	headerTime = "Ashlar-Time" // RFC 3339; without one the server's time counts
)

// message turns a record into a message, or says why the protocol cannot carry it.
func message(subject string, r *driver.Record) (*nats.Msg, error) {
	m := &nats.Msg{Subject: subject, Data: r.Body}
	if r.Key == "" && r.Time.IsZero() && len(r.Headers) == 0 {
		return m, nil
	}
	m.Header = make(nats.Header, len(r.Headers)+5)
	if r.Key != "" {
		m.Header[headerKey] = []string{url.PathEscape(r.Key)}
	}
	if !r.Time.IsZero() {
		m.Header[headerTime] = []string{string(r.Time.UTC().AppendFormat(nil, time.RFC3339Nano))}
	}
	for _, h := range r.Headers {
		if !validName(h.Name) {
			return nil, fmt.Errorf("%w: header name %q: NATS takes printable ASCII without colon or space, and keeps names with Nats- to itself", driver.ErrInvalid, h.Name)
		}
		v := string(h.Value)
		if strings.ContainsAny(v, "\r\n") || v != textproto.TrimString(v) {
			return nil, fmt.Errorf("%w: header %q: its value has line breaks, or space at an end, which NATS does not keep", driver.ErrInvalid, h.Name)
		}
		m.Header[h.Name] = append(m.Header[h.Name], v)
	}
	return m, nil
}

func validName(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == ':' {
			return false
		}
	}
	return s != "" && !strings.HasPrefix(s, "Nats-") && s != headerKey && s != headerTime
}

// record is message's inverse. Headers of JetStream's own are left out.
func record(topic string, h nats.Header, body []byte, stored time.Time) driver.Record {
	r := driver.Record{Topic: topic, Body: body, Time: stored}
	for name, values := range h {
		switch {
		case name == headerKey:
			r.Key = values[0]
			if k, err := url.PathUnescape(values[0]); err == nil {
				r.Key = k
			}
		case name == headerTime:
			if t, err := time.Parse(time.RFC3339Nano, values[0]); err == nil {
				r.Time = t
			}
		case strings.HasPrefix(name, "Nats-"):
		default:
			for _, v := range values {
				r.Headers = append(r.Headers, driver.Header{Name: name, Value: []byte(v)})
			}
		}
	}
	return r
}
