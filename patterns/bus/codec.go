package bus

import "encoding/json"

// Codec turns Go values into data and back. v is a pointer to the value.
// Package bus/protocodec has one for Protocol Buffers, bus/avrocodec one for Avro
// with a schema registry. An error with a method Temporary that returns true
// is met by another try; any other one makes a received event a dead letter.
type Codec interface {
	ContentType() string
	Marshal(v any) ([]byte, error)
	Unmarshal(data []byte, v any) error
}

// JSON is the codec of encoding/json, and the default one. Fields that the Go
// type does not have are passed over, so a producer may add some.
type JSON struct{}

// ContentType implements [Codec].
func (JSON) ContentType() string { return jsonType }

// Marshal implements [Codec].
func (JSON) Marshal(v any) ([]byte, error) { return json.Marshal(v) }

// Unmarshal implements [Codec].
func (JSON) Unmarshal(data []byte, v any) error { return json.Unmarshal(data, v) }
