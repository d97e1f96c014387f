package traces

import (
	"cmp"
	"net"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
)

func (d *describer) http(x *desc) {
	at := &d.slots
	x.protocol = "http"
	method := strings.ToUpper(at[HTTPMethod])
	route := at[HTTPRoute]
	if route == "" {
		route = template(pathOf(cmp.Or(at[HTTPPath], at[HTTPURL])))
	}
	if x.kind == Client {
		// The path at a client is a URL, not a route: the server's span names it.
		if generic(x.name, method) {
			x.name = strings.TrimSpace("HTTP " + method)
		}
		x.name = template(x.name)
		return
	}
	x.trigger = strings.TrimSpace(method + " " + route)
	switch {
	case generic(x.name, method) && route != "":
		x.name = x.trigger
	default:
		x.name = template(x.name)
	}
}

// generic: a span name that says no more than that there was a request.
func generic(name, method string) bool {
	n := strings.ToUpper(strings.TrimSpace(name))
	n = strings.TrimPrefix(n, "HTTP")
	n = strings.TrimSpace(strings.Trim(n, " ./_-:"))
	return n == "" || n == method || n == "REQUEST" || n == "SERVER" || n == "CLIENT"
}

func (d *describer) rpc(x *desc) {
	at := &d.slots
	x.protocol = cmp.Or(strings.ToLower(at[RPCSystem]), "rpc")
	service, method := at[RPCService], at[RPCMethod]
	if s, m, ok := cutLast(method, "/"); ok { // the stable conventions have service/method in rpc.method
		service, method = cmp.Or(service, strings.TrimPrefix(s, "/")), m
	}
	if method == "" {
		s, m, ok := cutLast(strings.TrimPrefix(x.name, "/"), "/")
		if !ok {
			x.name = template(x.name)
			return
		}
		service, method = cmp.Or(service, s), m
	}
	full := strings.Trim(service+"/"+method, "/")
	if x.kind == Client {
		x.name = full
		return
	}
	x.trigger = x.protocol + " " + full
	x.name = method
	if service != "" {
		_, last, _ := cutLast("."+service, ".")
		x.long = last + "/" + method
	}
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

func (d *describer) messaging(x *desc) {
	at := &d.slots
	x.protocol = strings.ToLower(at[MessagingSystem])
	topic := cmp.Or(at[MessagingTemplate], at[MessagingTopic])
	if at[MessagingTemporary] == "true" {
		topic = "(temporary)"
	}
	op := strings.ToLower(at[MessagingOperation])
	if x.kind == Unspecified || x.kind == Internal || x.kind == Client {
		switch op {
		case "publish", "send", "create":
			x.kind = Producer
		case "receive", "process", "deliver", "settle":
			x.kind = Consumer
		}
	}
	access := arch.AccessPublish
	if x.kind == Consumer {
		access = arch.AccessSubscribe
	}
	if topic == "" {
		x.name = template(x.name)
		return
	}
	topic = template(topic)
	x.target = target{kind: arch.KindTopic, name: topic, system: x.protocol, access: access}
	if x.kind == Consumer {
		x.trigger = "topic " + topic
		if generic(x.name, strings.ToUpper(op)) || strings.Contains(x.name, at[MessagingTopic]) {
			x.name = cmp.Or(op, "process") + " " + topic
		}
	}
	if x.kind == Producer {
		x.name = cmp.Or(op, "publish") + " " + topic
	}
	x.name = template(x.name)
}

func (d *describer) database(x *desc) {
	at := &d.slots
	system := storeKind(at[DBSystem], at[DBStatement])
	x.protocol = protocolOf(system)
	if x.kind == Server || x.kind == Consumer { // a database that traces itself
		x.name = template(x.name)
		return
	}
	x.kind = Client
	verb, table := strings.ToLower(at[DBOperation]), at[DBTable]
	if (verb == "" || table == "") && at[DBStatement] != "" && x.protocol == "sql" {
		v, t := statement(at[DBStatement])
		verb, table = cmp.Or(verb, v), cmp.Or(table, t)
	}
	if verb == "" && at[DBSummary] != "" {
		v, rest, _ := strings.Cut(at[DBSummary], " ")
		verb = strings.ToLower(v)
		if table == "" && x.protocol == "sql" {
			table, _, _ = strings.Cut(rest, " ")
		}
	}
	if verb == "" && at[DBStatement] != "" {
		verb = firstWord(at[DBStatement])
	}
	x.target = target{kind: arch.KindStore, system: system, table: tableName(table), access: accessOf(verb)}
	d.nameStore(x)
	x.name = strings.TrimSpace(cmp.Or(verb, "call") + " " + x.target.table)
}

// nameStore: by the peer that was said, else by the server's name, else after the
// database, else after the service.
func (d *describer) nameStore(x *desc) {
	at, t := &d.slots, &x.target
	host := hostLabel(at[ServerAddress])
	switch {
	case at[PeerService] != "":
		t.name, t.why = at[PeerService], "the spans name the peer"
	case host != "":
		t.name, t.why = host, "named after its server's address"
	case at[DBName] != "" && len(at[DBName]) > 2:
		t.name, t.why = at[DBName], "the spans do not say which server; named after the database"
	default:
		t.name, t.why = x.service+"-"+cmp.Or(t.system, "store"), "the spans do not say which server; named after the service that calls it"
	}
}

// byName: no convention at all; the words of a name are what there is.
func (d *describer) byName(x *desc) {
	if x.kind == Server || x.kind == Consumer || x.kind == Producer {
		return
	}
	system, access := wordsOf(x.name)
	if system == "" {
		return
	}
	if x.kind != Client && access == "" {
		return // "init redis pool" is no call
	}
	x.target = target{kind: arch.KindStore, system: system, access: access, weak: true}
	x.protocol = protocolOf(system)
	d.nameStore(x)
	x.target.why = "the span's name speaks of " + system + "; " + x.target.why
}

// peer: whom a client says it talks to. The run below it, if there is one,
// knows better.
func (d *describer) peer(x *desc) {
	at := &d.slots
	if p := at[PeerService]; p != "" {
		x.target = target{kind: arch.KindService, name: p, weak: true, why: "clients name it as their peer"}
		return
	}
	address := at[ServerAddress]
	if address == "" {
		address, _ = hostOfURL(at[HTTPURL])
	}
	address = cmp.Or(address, at[HTTPHost], at[PeerAddress])
	if h, _, err := net.SplitHostPort(address); err == nil {
		address = h
	}
	address = strings.ToLower(strings.TrimSuffix(address, "."))
	switch {
	case address == "", address == "localhost", net.ParseIP(address) != nil:
		return // an address says where, not what
	case !strings.Contains(address, "."), strings.HasSuffix(address, ".local"), strings.Contains(address, ".svc"):
		x.target = target{kind: arch.KindService, name: hostLabel(address), weak: true, why: "clients call the host " + address}
	default:
		x.target = target{kind: arch.KindExternal, name: address, weak: true, why: "clients call the host " + address}
	}
}

// hostLabel is the part of a host name that names the thing: the first label
// inside a cluster, all of it outside; "" for addresses and this machine.
func hostLabel(h string) string {
	if host, _, err := net.SplitHostPort(h); err == nil {
		h = host
	}
	h = strings.ToLower(strings.TrimSuffix(h, "."))
	if h == "" || h == "localhost" || net.ParseIP(h) != nil {
		return ""
	}
	labels := strings.Split(h, ".")
	if len(labels) == 2 || strings.HasSuffix(h, ".local") || len(labels) > 2 && labels[2] == "svc" {
		return labels[0]
	}
	return h
}
