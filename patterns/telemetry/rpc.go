package telemetry

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"
)

// RPC returns the operation of a remote procedure, /package.Service/Method, for
// the adapters of RPC libraries. Kind is Server or Client.
func (t *Telemetry) RPC(method string, kind Kind) *Operation {
	type key struct {
		method string
		kind   Kind
	}
	hist := t.rpc[0]
	if kind == Client {
		hist = t.rpc[1]
	}
	return t.operation(key{method, kind}, func() *Operation {
		name := strings.TrimPrefix(method, "/")
		kv := []attribute.KeyValue{attribute.String("rpc.system.name", "grpc"), attribute.String("rpc.method", name)}
		return t.newOperation(name, kind, hist, kv, kv)
	})
}
