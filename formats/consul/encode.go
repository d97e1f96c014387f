package consul

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// JSON writes definitions as a file of an agent; reading it gives equal ones.
func JSON(services []Service) ([]byte, error) {
	list := &doc.Node{Kind: doc.List}
	for _, s := range services {
		n := &doc.Node{Kind: doc.Map}
		text(n, "name", s.Name)
		text(n, "id", s.ID)
		text(n, "address", s.Address)
		if s.Port != 0 {
			n.Set("port", number(s.Port))
		}
		if s.Tags != nil {
			tags := &doc.Node{Kind: doc.List}
			for _, t := range s.Tags {
				tags.Items = append(tags.Items, doc.Text(t))
			}
			n.Set("tags", tags)
		}
		if len(s.Meta) > 0 {
			meta, err := doc.NodeOf(s.Meta)
			if err != nil {
				return nil, err
			}
			n.Set("meta", meta)
		}
		if len(s.Checks) > 0 {
			checks := &doc.Node{Kind: doc.List}
			for _, c := range s.Checks {
				checks.Items = append(checks.Items, c.node())
			}
			n.Set("checks", checks)
		}
		if s.Connect {
			n.Set("connect", s.connect())
		}
		list.Items = append(list.Items, n)
	}
	root := &doc.Node{Kind: doc.Map}
	root.Set("services", list)
	return json.MarshalIndent(root.Native(), "", "  ")
}

func (s Service) connect() *doc.Node {
	ups := &doc.Node{Kind: doc.List}
	for _, u := range s.Upstreams {
		n := &doc.Node{Kind: doc.Map}
		text(n, "destination_name", u.Name)
		if u.Port != 0 {
			n.Set("local_bind_port", number(u.Port))
		}
		ups.Items = append(ups.Items, n)
	}
	out := &doc.Node{Kind: doc.Map}
	if len(ups.Items) > 0 {
		proxy, side := &doc.Node{Kind: doc.Map}, &doc.Node{Kind: doc.Map}
		proxy.Set("upstreams", ups)
		side.Set("proxy", proxy)
		out.Set("sidecar_service", side)
	}
	return out
}

func (c Check) node() *doc.Node {
	n := &doc.Node{Kind: doc.Map}
	text(n, "name", c.Name)
	text(n, "id", c.ID)
	text(n, "service_id", c.Service)
	switch kind := c.Kind; kind {
	case "", "ttl":
	case "docker":
		text(n, "docker_container_id", c.Target)
	case "args":
		n.Set("args", &doc.Node{Kind: doc.List})
	default:
		text(n, kind, c.Target)
	}
	for _, x := range []struct {
		key string
		t   time.Duration
	}{{"interval", c.Interval}, {"timeout", c.Timeout}, {"ttl", c.TTL}} {
		if x.t != 0 {
			n.Set(x.key, doc.Text(x.t.String()))
		}
	}
	if c.Deregister != nil {
		n.Set("deregister_critical_service_after", doc.Text(c.Deregister.String()))
	}
	return n
}

func text(n *doc.Node, key, s string) {
	if s != "" {
		n.Set(key, doc.Text(s))
	}
}

func number(i int) *doc.Node { return &doc.Node{Kind: doc.Int, Text: strconv.Itoa(i)} }
