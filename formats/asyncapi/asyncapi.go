// Package asyncapi reads AsyncAPI 2 and 3 as contracts: which events the
// application sends and receives on which channels, with their shapes and how
// their revisions are told apart.
//
// The words changed sides between the versions: in AsyncAPI 2 "subscribe" is
// what others may do, so the application sends; in AsyncAPI 3 "send" is what the
// application does.
//
// It only reads; patterns/bus writes documents of AsyncAPI 3 from its own declarations.
package asyncapi

import (
	"cmp"
	"path"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/formats/contract"
	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/jsonschema"
)

// Is reports whether a node is an AsyncAPI document.
func Is(n *doc.Node) bool {
	v := n.Str("asyncapi")
	return n != nil && n.Kind == doc.Map && (strings.HasPrefix(v, "2.") || strings.HasPrefix(v, "3."))
}

type reader struct {
	*jsonschema.Reader
	d        *doc.Document
	c        *contract.Contract
	protocol string
	out      []*doc.Fault
}

// Read reads a document. References into other files are followed with load.
func Read(d *doc.Document, load jsonschema.Loader) (*contract.Contract, []*doc.Fault) {
	root := d.Root
	r := &reader{Reader: jsonschema.NewReader(load), d: d}
	r.c = &contract.Contract{Kind: contract.AsyncAPI, Format: root.Str("asyncapi"), Name: root.Str("info", "title"), Version: root.Str("info", "version"), File: d.File.Path, Pos: d.Pos(root)}
	if info := root.KeyNode("info"); info != nil {
		r.c.Pos = d.Pos(info)
	}
	if r.c.Name == "" {
		base := path.Base(d.File.Path)
		r.c.Name = strings.TrimSuffix(base, path.Ext(base))
	}
	r.servers()
	if strings.HasPrefix(r.c.Format, "2.") {
		r.two()
	} else {
		r.three()
	}
	return r.c, append(r.out, r.Faults...)
}

func (r *reader) servers() {
	servers := r.d.Root.Get("servers")
	if servers == nil {
		return
	}
	for _, e := range servers.Entries {
		_, s := r.Object(r.d, e.Value)
		host := s.Str("url") + s.Str("host") // 2 and 3
		if s == nil || host == "" {
			continue
		}
		protocol := s.Str("protocol")
		if r.protocol == "" {
			r.protocol = strings.TrimSuffix(protocol, "-secure")
		}
		if !strings.Contains(host, "://") {
			host = protocol + "://" + host
		}
		r.c.Servers = append(r.c.Servers, contract.Server{URL: host, Protocol: protocol, Pos: r.d.Pos(s)})
	}
}

func (r *reader) two() {
	channels := r.d.Root.Get("channels")
	if channels == nil {
		return
	}
	for _, e := range channels.Entries {
		d, ch := r.Object(r.d, e.Value)
		if ch == nil {
			continue
		}
		for _, dir := range []struct {
			key   string
			sends bool
		}{{"subscribe", true}, {"publish", false}} {
			op := ch.Get(dir.key)
			if op == nil {
				continue
			}
			msg := op.Get("message")
			list := []*doc.Node{msg}
			if one := msg.Get("oneOf"); one != nil {
				list = one.Items
			}
			for _, m := range list {
				r.event(d, m, "", e.Key.Text, partitions(ch), contract.Event{Sends: dir.sends, Receives: !dir.sends, ChannelPos: r.d.Pos(e.Key)})
			}
		}
	}
}

func partitions(ch *doc.Node) int {
	n, err := strconv.Atoi(ch.Str("bindings", "kafka", "partitions"))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func (r *reader) three() {
	root := r.d.Root
	used := map[*doc.Node]map[*doc.Node]bool{} // messages of the channels that operations name
	if ops := root.Get("operations"); ops != nil {
		for _, e := range ops.Entries {
			d, op := r.Object(r.d, e.Value)
			if op == nil {
				continue
			}
			cd, ch := r.Object(d, op.Get("channel"))
			if ch == nil {
				continue
			}
			if used[ch] == nil {
				used[ch] = map[*doc.Node]bool{}
			}
			as := contract.Event{Sends: op.Str("action") == "send", Receives: op.Str("action") == "receive", ChannelPos: cd.Pos(ch)}
			address := r.address(ch, op.Get("channel"))
			if list := op.Get("messages"); list != nil && len(list.Items) > 0 {
				for _, m := range list.Items {
					_, target := r.Object(d, m)
					used[ch][target] = true
					r.event(d, m, lastOf(m.Str("$ref")), address, partitions(ch), as)
				}
				continue
			}
			used[ch] = nil // all of them
			r.all(cd, ch, address, as, nil)
		}
	}
	if channels := root.Get("channels"); channels != nil {
		for _, e := range channels.Entries {
			d, ch := r.Object(r.d, e.Value)
			if ch == nil {
				continue
			}
			// What the channel carries and no operation here names, such as earlier
			// versions, is for others to send.
			named, operated := used[ch]
			if operated && named == nil {
				continue
			}
			r.all(d, ch, addressOf(ch, e.Key.Text), contract.Event{ChannelPos: r.d.Pos(e.Key)}, named)
		}
	}
}

func (r *reader) address(ch, ref *doc.Node) string { return addressOf(ch, lastOf(ref.Str("$ref"))) }

func addressOf(ch *doc.Node, key string) string {
	if a := ch.Str("address"); a != "" {
		return a
	}
	return key
}

func lastOf(ref string) string {
	s := jsonschema.Steps(ref)
	return s[len(s)-1]
}

// all puts out every message of a channel but those that were put out already.
func (r *reader) all(d *doc.Document, ch *doc.Node, address string, as contract.Event, but map[*doc.Node]bool) {
	if ms := ch.Get("messages"); ms != nil {
		for _, m := range ms.Entries {
			if _, target := r.Object(d, m.Value); but[target] {
				continue
			}
			r.event(d, m.Value, m.Key.Text, address, partitions(ch), as)
		}
	}
}

// event reads a message. Its name is its own, else that of the component that it
// refers to, else the key under which it stands.
func (r *reader) event(d *doc.Document, n *doc.Node, key, channel string, parts int, as contract.Event) {
	if n == nil {
		return
	}
	component := ""
	at, m := d, n
	for range 32 {
		if ref := m.Str("$ref"); strings.Contains(ref, "/components/messages/") || component == "" && ref != "" {
			component = lastOf(ref)
		}
		if at, m = r.Next(at, m); m == nil {
			break
		}
	}
	md, m := r.Object(d, n)
	if m == nil { // in a file that is not at hand: the channel is there all the same
		as.Channel, as.Protocol, as.Partitions, as.Pos = channel, r.protocol, parts, d.Pos(n)
		as.Name = cmp.Or(component, key, channel)
		r.c.Events = append(r.c.Events, as)
		return
	}
	e := as
	e.Channel, e.Protocol, e.Partitions, e.Pos = channel, r.protocol, parts, md.Pos(m)
	for _, name := range []string{m.Str("name"), component, key, m.Str("messageId"), m.Str("title"), channel} {
		if name != "" {
			e.Name = name
			break
		}
	}
	pd, payload := md, m.Get("payload")
	format := m.Str("schemaFormat")
	if payload.Get("schema") != nil && payload.Get("schemaFormat") != nil { // multi-format object of version 3
		format, payload = payload.Str("schemaFormat"), payload.Get("schema")
	}
	id := payload.Str("$ref") + " " + payload.Str("$id")
	switch {
	case payload == nil:
	case strings.Contains(format, "avro"), strings.Contains(format, "protobuf"), strings.Contains(format, "raml"):
		e.Version = "" // read by its own reader where the file is at hand
	default:
		e.Payload = r.Shape(pd, payload)
	}
	if h := m.Get("headers"); h != nil {
		e.Headers = r.Shape(md, h)
	}
	for _, v := range []string{m.Str("x-version"), m.Str("x-schema-version"), contract.VersionOf(e.Name), contract.VersionOf(channel), contract.Version(e.Headers), contract.Version(e.Payload), envelope(e.Payload), contract.VersionOf(id), contract.VersionOf(m.Str("contentType")), registry(format, m)} {
		if v != "" {
			e.Version = v
			break
		}
	}
	r.c.Events = append(r.c.Events, e)
}

// envelope looks for the version one level down: metadata and header objects.
func envelope(s *contract.Shape) string {
	if s == nil {
		return ""
	}
	for _, f := range s.Fields {
		switch strings.ToLower(f.Name) {
		case "metadata", "meta", "header", "headers", "envelope", "attributes":
			if v := contract.Version(f.Shape); v != "" {
				return v
			}
		}
	}
	return ""
}

// registry: framed with the id of a schema in a registry.
func registry(format string, m *doc.Node) string {
	if m.Str("bindings", "kafka", "schemaIdLocation") != "" {
		return "the id in a schema registry"
	}
	if _, v, ok := strings.Cut(format, "avro;version="); ok && m.Str("bindings", "kafka", "schemaLookupStrategy") != "" {
		return "Avro " + v
	}
	return ""
}
