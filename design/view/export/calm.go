package export

import (
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/view"
	"github.com/ashlar-dev/ashlar/formats/calm"
)

// CALM writes an architecture of the Common Architecture Language Model. Groups
// become systems that are composed of their nodes. What CALM has no word for is in
// the metadata, from which ashlar discover reads it back.
func CALM(g view.Graph) ([]byte, error) {
	d := calm.Architecture{Schema: calm.Schema, Metadata: calm.Metadata{"name": g.Title, "view": string(g.Kind)}}
	for _, n := range g.Nodes {
		meta := calmMeta(n.Facts, n.Badges, n.Change)
		if n.Missing {
			meta = calm.Metadata{"missing": true}
		}
		d.Nodes = append(d.Nodes, calm.Node{ID: string(n.Ref), Type: calmNodeType(n), Name: n.Label, Description: calmAbout(n), Metadata: meta})
	}
	for _, gr := range g.Groups {
		var members []string
		for _, n := range g.Nodes {
			if n.Group == gr.ID {
				members = append(members, string(n.Ref))
			}
		}
		for _, sub := range g.Groups {
			if sub.Parent == gr.ID {
				members = append(members, "group/"+sub.ID)
			}
		}
		d.Nodes = append(d.Nodes, calm.Node{ID: "group/" + gr.ID, Type: calm.System, Name: gr.Label, Description: gr.Kind + " " + gr.Label})
		if len(members) > 0 {
			d.Relationships = append(d.Relationships, calm.Relationship{ID: "composition " + gr.ID, Type: calm.Type{ComposedOf: &calm.Container{Container: "group/" + gr.ID, Nodes: members}}})
		}
	}
	for _, e := range g.Edges {
		d.Relationships = append(d.Relationships, calmEdge(e))
	}
	return d.Encode()
}

func calmEdge(e view.Edge) calm.Relationship {
	about := says(e)
	if about == "" {
		about = strings.ReplaceAll(string(e.Kind), "-", " ")
	}
	facts := []view.Fact{{Name: "kind", Value: string(e.Kind)}}
	protocol := calmProtocol(e.Protocol)
	if protocol == "" && e.Protocol != "" {
		facts = append(facts, view.Fact{Name: "protocol", Value: e.Protocol})
	}
	return calm.Relationship{ID: e.ID(), Description: about, Protocol: protocol, Metadata: calmMeta(append(facts, e.Facts...), e.Badges, e.Change),
		Type: calm.Type{Connects: &calm.Connects{Source: calm.End{Node: string(e.From)}, Destination: calm.End{Node: string(e.To)}}}}
}

// calmProtocol is the word that CALM has for a protocol, or "".
func calmProtocol(name string) string {
	for _, p := range calm.Protocols() {
		if strings.EqualFold(p, name) {
			return p
		}
	}
	return ""
}

func calmNodeType(n view.Node) string {
	switch {
	case n.Kind == view.Store:
		return calm.Database
	case n.Kind == view.Table, n.Kind == view.Event:
		return calm.DataAsset
	case n.Kind == view.Topic:
		return "topic" // the schema lets types be any word
	case n.Kind == view.Gateway, n.Kind == view.Service && n.Role == arch.RoleGateway:
		return "gateway"
	case n.Kind == view.External, n.Kind == view.Context:
		return calm.System
	case n.Kind == view.Person:
		return calm.Actor
	case n.Role == arch.RoleUI:
		return calm.WebClient
	}
	return calm.Service
}

func calmAbout(n view.Node) string {
	about := string(n.Kind)
	if n.Missing {
		return about + " that is named, but not described anywhere"
	}
	if n.Detail != "" {
		about += ", " + n.Detail
	}
	return about
}

// calmMeta keeps facts of one name as a list.
func calmMeta(fs []view.Fact, badges []view.Badge, ch view.Change) calm.Metadata {
	m := calm.Metadata{}
	for _, f := range fs {
		switch old := m[f.Name].(type) {
		case nil:
			m[f.Name] = f.Value
		case string:
			m[f.Name] = []string{old, f.Value}
		case []string:
			m[f.Name] = append(old, f.Value)
		}
	}
	if ch != view.Same {
		m["change"] = string(ch)
	}
	var findings []string
	for _, b := range badges {
		findings = append(findings, string(b.Severity)+": "+b.Title+" ["+b.Rule+"]")
	}
	if findings != nil {
		m["findings"] = findings
	}
	if len(m) == 0 {
		return nil
	}
	return m
}
