package kafkabus

import (
	"unsafe"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// A header of the driver and one of the client are the same thing under two
// names: a string, then bytes. Their slices are passed on as they are, because
// the copies would be half of what a CloudEvent costs on its way through this
// package. The compiler holds the two to the same layout: it refuses a negative
// constant here.
const (
	_ = -(unsafe.Sizeof(kgo.RecordHeader{}) ^ unsafe.Sizeof(driver.Header{}))
	_ = -(unsafe.Offsetof(kgo.RecordHeader{}.Key) ^ unsafe.Offsetof(driver.Header{}.Name))
	_ = -(unsafe.Offsetof(kgo.RecordHeader{}.Value) ^ unsafe.Offsetof(driver.Header{}.Value))
)

// The fields' types, likewise.
var (
	_ = func(h kgo.RecordHeader) (string, []byte) { return h.Key, h.Value }
	_ = func(h driver.Header) (string, []byte) { return h.Name, h.Value }
)

// headers are the client's headers as the driver's, in the same memory.
func headers(in []kgo.RecordHeader) []driver.Header {
	return unsafe.Slice((*driver.Header)(unsafe.Pointer(unsafe.SliceData(in))), len(in))
}

// fields are the driver's headers as the client's, in the same memory, which the
// client only reads.
func fields(in []driver.Header) []kgo.RecordHeader {
	return unsafe.Slice((*kgo.RecordHeader)(unsafe.Pointer(unsafe.SliceData(in))), len(in))
}
