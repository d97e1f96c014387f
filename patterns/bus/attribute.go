package bus

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// attribute is what a header of a CloudEvent's binary mode means.
type attribute uint8

const (
	noAttribute attribute = iota // a header of its own
	specVersionAttribute
	idAttribute
	sourceAttribute
	typeAttribute
	subjectAttribute
	schemaAttribute
	contentTypeAttribute
	timeAttribute
	dataVersionAttribute
	partitionKeyAttribute
	extensionAttribute
)

var attributeNames = map[string]attribute{
	"specversion": specVersionAttribute, "id": idAttribute, "source": sourceAttribute, "type": typeAttribute,
	"subject": subjectAttribute, "dataschema": schemaAttribute, "datacontenttype": contentTypeAttribute,
	"time": timeAttribute, versionAttribute: dataVersionAttribute, keyAttribute: partitionKeyAttribute,
}

func attributeOf(name string) attribute {
	if a, ok := attributeNames[name]; ok {
		return a
	}
	return extensionAttribute
}

// attributeName strips the prefix of CloudEvents attributes: the protocol's own,
// or one of the two of AMQP, which are unmistakable.
func attributeName(header, prefix string) (string, bool) {
	for _, p := range [...]string{prefix, amqpPrefix, amqpPrefixColon} {
		if p != "" && len(header) > len(p) && strings.EqualFold(header[:len(p)], p) {
			return strings.ToLower(header[len(p):]), true
		}
	}
	return "", false
}

// seen is what a worker remembers of the events before. Those of one topic
// resemble each other: the same headers in the same order, the same source and
// type. What is equal is neither parsed nor allocated again. It holds no event,
// because handlers own theirs and may change them.
type seen struct {
	headers                           [12]meaning
	source, kind, schema, contentType string
	second                            string    // "2006-01-02T15:04:05"
	at                                time.Time // what it means in UTC
}

type meaning struct {
	name string
	what attribute
}

// what says what the i-th header of a record means.
func (s *seen) what(i int, name, prefix string) attribute {
	if i < len(s.headers) && s.headers[i].name == name {
		return s.headers[i].what
	}
	what := noAttribute
	if strings.EqualFold(name, contentType) {
		what = contentTypeAttribute
	} else if attr, ok := attributeName(name, prefix); ok {
		what = attributeOf(attr)
	}
	if i < len(s.headers) {
		s.headers[i] = meaning{name, what}
	}
	return what
}

// set puts an attribute into the event. name is for messages and extensions.
func (s *seen) set(e *Event, what attribute, name string, value []byte) error {
	switch what {
	case specVersionAttribute:
		if string(value) != specVersion {
			return bad(e.Topic, nil, "CloudEvents version %q; this understands %s", value, specVersion)
		}
	case idAttribute:
		return setText(&e.ID, nil, name, value, e.Topic)
	case sourceAttribute:
		return setText(&e.Source, &s.source, name, value, e.Topic)
	case typeAttribute:
		return setText(&e.Type, &s.kind, name, value, e.Topic)
	case subjectAttribute:
		return setText(&e.Subject, nil, name, value, e.Topic)
	case schemaAttribute:
		return setText(&e.Schema, &s.schema, name, value, e.Topic)
	case contentTypeAttribute:
		return setText(&e.ContentType, &s.contentType, name, value, e.Topic)
	case timeAttribute:
		t, err := s.time(value)
		if err != nil {
			return bad(e.Topic, err, "attribute time")
		}
		e.Time = t
	case dataVersionAttribute:
		v, err := strconv.Atoi(string(value))
		if err != nil || v < 0 {
			return bad(e.Topic, err, "attribute %s %q is not a version number", versionAttribute, value)
		}
		e.Version = v
	case partitionKeyAttribute:
		if e.Key == "" {
			return setText(&e.Key, nil, name, value, e.Topic)
		}
	default:
		if !utf8.Valid(value) {
			return notText(e.Topic, name)
		}
		e.Headers = append(e.Headers, Header{Name: name, Value: value})
	}
	return nil
}

// time reads a time of RFC 3339. Within one second of UTC, as events come that
// were published together, only the fraction is read.
func (s *seen) time(text []byte) (time.Time, error) {
	const second = len("2006-01-02T15:04:05")
	utc := len(text) > second && text[len(text)-1] == 'Z'
	if utc && s.second == string(text[:second]) {
		if ns, ok := fraction(text[second : len(text)-1]); ok {
			return s.at.Add(ns), nil
		}
	}
	t, err := time.Parse(time.RFC3339Nano, string(text))
	if err == nil && utc {
		s.second, s.at = string(text[:second]), t.Truncate(time.Second)
	}
	return t, err
}

// fraction reads "", or a point and up to nine digits, as a part of a second.
func fraction(text []byte) (time.Duration, bool) {
	if len(text) == 0 {
		return 0, true
	}
	if text[0] != '.' || len(text) == 1 || len(text) > 10 {
		return 0, false
	}
	var ns time.Duration
	for i := 1; i < 10; i++ {
		ns *= 10
		if i < len(text) {
			if text[i] < '0' || text[i] > '9' {
				return 0, false
			}
			ns += time.Duration(text[i] - '0')
		}
	}
	return ns, true
}

// setText sets an attribute, to the very string before when that is equal.
func setText(to, before *string, name string, text []byte, topic string) error {
	if before != nil && *before == string(text) {
		*to = *before
		return nil
	}
	if !utf8.Valid(text) {
		return notText(topic, name)
	}
	*to = string(text)
	if before != nil {
		*before = *to
	}
	return nil
}

func notText(topic, name string) error { return bad(topic, nil, "attribute %q is not UTF-8", name) }
