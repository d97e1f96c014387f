package traces

import "strings"

// Key is the meaning of an attribute; the names that the generations of the
// semantic conventions have for one thing are one Key.
type Key uint8

const (
	NoKey Key = iota // of no interest
	HTTPMethod
	HTTPRoute
	HTTPURL
	HTTPPath
	RPCSystem
	RPCService
	RPCMethod
	DBSystem
	DBName
	DBStatement
	DBOperation
	DBTable
	DBSummary
	MessagingSystem
	MessagingTopic
	MessagingTemplate
	MessagingTemporary
	MessagingOperation
	PeerService
	ServerAddress
	PeerAddress
	HTTPHost
	Component

	// From here on attributes change from span to span and describe the run, not
	// the operation.
	firstOfRun
	HTTPStatus
	RPCStatus
	ResendCount
	ErrorFlag
	ErrorType
	SpanKind
	SamplerType
	SamplerParam
	SampleRate

	numKeys
)

// Keys remembers what names mean, and which follows which: spans of one kind have
// the same ones in the same order. The zero value is ready; it is not safe for
// concurrent use.
type Keys struct {
	seen [1024]known
	last *known
}

type known struct {
	name string
	key  Key
	next *known
}

// Of is [KeyOf].
func (c *Keys) Of(name string) Key {
	if c.last != nil {
		if e := c.last.next; e != nil && e.name == name {
			c.last = e
			return e.key
		}
	}
	n := len(name)
	if n < 8 {
		return KeyOf(name)
	}
	h := uint32(n)
	for _, b := range [...]byte{name[1], name[n/2], name[n-7], name[n-5], name[n-4], name[n-2], name[n-1]} {
		h = h*31 + uint32(b)
	}
	e := &c.seen[h*2654435769>>22]
	if e.name == "" { // the first one stays: two names that take turns would cost more than they save
		e.name, e.key = strings.Clone(name), KeyOf(name)
	}
	if e.name != name {
		return KeyOf(name)
	}
	if c.last != nil {
		c.last.next = e
	}
	c.last = e
	return e.key
}

// KeyOf tells what an attribute of this name means, in OpenTelemetry's stable and
// earlier conventions, OpenTracing's, Brave's and a few of their dialects; NoKey
// if nothing here.
func KeyOf(name string) Key {
	switch name {
	case "http.request.method", "http.method":
		return HTTPMethod
	case "http.route":
		return HTTPRoute
	case "url.full", "http.url":
		return HTTPURL
	case "url.path", "http.target", "http.path":
		return HTTPPath
	case "http.host":
		return HTTPHost
	case "http.response.status_code", "http.status_code":
		return HTTPStatus
	case "http.request.resend_count", "http.resend_count", "http.retry_count":
		return ResendCount
	case "rpc.system", "rpc.system.name":
		return RPCSystem
	case "rpc.service":
		return RPCService
	case "rpc.method":
		return RPCMethod
	case "rpc.grpc.status_code", "rpc.response.status_code", "grpc.status_code":
		return RPCStatus
	case "db.system.name", "db.system", "db.type":
		return DBSystem
	case "db.namespace", "db.name", "db.instance":
		return DBName
	case "db.query.text", "db.statement", "sql.query":
		return DBStatement
	case "db.operation.name", "db.operation":
		return DBOperation
	case "db.collection.name", "db.sql.table", "db.mongodb.collection", "db.cassandra.table":
		return DBTable
	case "db.query.summary":
		return DBSummary
	case "messaging.system":
		return MessagingSystem
	case "messaging.destination.name", "messaging.destination", "message_bus.destination", "kafka.topic":
		return MessagingTopic
	case "messaging.destination.template":
		return MessagingTemplate
	case "messaging.destination.temporary", "messaging.destination.anonymous", "messaging.temp_destination":
		return MessagingTemporary
	case "messaging.operation.type", "messaging.operation":
		return MessagingOperation
	case "peer.service", "service.peer.name":
		return PeerService
	case "server.address", "net.peer.name", "peer.hostname":
		return ServerAddress
	case "network.peer.address", "net.peer.ip", "net.sock.peer.addr", "peer.address", "peer.ipv4":
		return PeerAddress
	case "component":
		return Component
	case "error", "otel.status_code":
		return ErrorFlag
	case "error.type":
		return ErrorType
	case "span.kind":
		return SpanKind
	case "sampler.type":
		return SamplerType
	case "sampler.param":
		return SamplerParam
	case "SampleRate", "sampleRate", "sampling.rate":
		return SampleRate
	}
	return NoKey
}
