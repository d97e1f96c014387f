package bus

import (
	"encoding/base64"
	"encoding/json"
	"mime"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

func encodeStructured(e *Event) (driver.Record, error) {
	r := driver.Record{Topic: e.Topic, Key: e.Key, Time: e.Time}
	doc := map[string]any{"specversion": specVersion, "id": e.ID, "source": e.Source, "type": e.Type}
	put := func(name, value string) {
		if value != "" {
			doc[name] = value
		}
	}
	put("subject", e.Subject)
	put("dataschema", e.Schema)
	put(keyAttribute, e.Key)
	if !e.Time.IsZero() {
		doc["time"] = e.Time.UTC().Format(time.RFC3339Nano)
	}
	if e.Version != 0 {
		doc[versionAttribute] = e.Version
	}
	for _, h := range e.Headers {
		if !extension(h.Name) || doc[h.Name] != nil || !utf8.Valid(h.Value) {
			r.Headers = append(r.Headers, h) // a transport header, which no CloudEvents document can hold
			continue
		}
		doc[h.Name] = string(h.Value)
	}
	ct := e.ContentType
	if ct == "" {
		ct = jsonType
	}
	doc["datacontenttype"] = ct
	switch {
	case isJSON(ct) && json.Valid(e.Data):
		doc["data"] = json.RawMessage(e.Data)
	case isJSON(ct) && len(e.Data) > 0:
		return r, bad(e.Topic, nil, "data of content type %s is not JSON", ct)
	case len(e.Data) > 0:
		doc["data_base64"] = base64.StdEncoding.EncodeToString(e.Data)
	}
	body, err := json.Marshal(doc)
	if err != nil {
		return r, bad(e.Topic, err, "structured CloudEvent")
	}
	r.Body = body
	r.Headers = append(r.Headers, Header{Name: contentType, Value: []byte(structuredType + "; charset=UTF-8")})
	return r, nil
}

func decodeStructured(r *driver.Record, e *Event) error {
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(r.Body, &doc); err != nil {
		return bad(r.Topic, err, "structured CloudEvent")
	}
	e.ContentType = jsonType
	if doc["specversion"] == nil {
		return bad(r.Topic, nil, "the CloudEvent lacks specversion")
	}
	for name, raw := range doc {
		switch name {
		case "data":
			e.Data = raw
			continue
		case "data_base64":
			var data []byte
			if err := json.Unmarshal(raw, &data); err != nil {
				return bad(r.Topic, err, "data_base64")
			}
			e.Data = data
			continue
		}
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			s = strings.TrimSpace(string(raw)) // numbers and booleans have the same text as attribute
			if strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[") {
				return bad(r.Topic, nil, "attribute %q is neither a string, a number nor a boolean", name)
			}
			if s == "null" {
				continue // the same as absent
			}
		}
		if err := new(seen).set(e, attributeOf(name), name, []byte(s)); err != nil {
			return err
		}
	}
	return complete(e)
}

// extension reports whether a header can be an extension attribute.
func extension(name string) bool {
	if name == "" || len(name) > maxAttributeName || name == "data" {
		return false
	}
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

func isJSON(ct string) bool {
	mt, _, err := mime.ParseMediaType(ct)
	return err == nil && (mt == jsonType || strings.HasSuffix(mt, "+json") || mt == "text/json")
}
