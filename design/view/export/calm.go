package export

import (
	"encoding/json"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/view"
)

// calmSchema is the version that CALM writes.
const calmSchema = "https://calm.finos.org/release/1.1/meta/calm.json"

type calmDocument struct {
	Schema        string         `json:"$schema"`
	Nodes         []calmNode     `json:"nodes"`
	Relationships []calmRelation `json:"relationships"`
	Metadata      map[string]any `json:"metadata,omitempty"`
}

type calmNode struct {
	ID          string         `json:"unique-id"`
	Type        string         `json:"node-type"`
	Name        string         `json:"name"`
	Description string         `json:"description"`
	Metadata    map[string]any `json:"metadata,omitempty"`
}

type calmRelation struct {
	ID          string         `json:"unique-id"`
	Description string         `json:"description,omitempty"`
	Type        calmType       `json:"relationship-type"`
	Protocol    string         `json:"protocol,omitempty"`
	Metadata    map[string]any `json:"metadata,omitempty"`
}

// calmType has exactly one part.
type calmType struct {
	Connects *calmConnects `json:"connects,omitempty"`
	Composed *calmComposed `json:"composed-of,omitempty"`
}

type calmConnects struct {
	Source      calmEnd `json:"source"`
	Destination calmEnd `json:"destination"`
}

type calmEnd struct {
	Node string `json:"node"`
}

type calmComposed struct {
	Container string   `json:"container"`
	Nodes     []string `json:"nodes"`
}

// CALM writes an architecture of the Common Architecture Language Model 1.1.
// Groups become systems that are composed of their nodes. What CALM has no word
// for is in the metadata.
func CALM(g view.Graph) ([]byte, error) {
	d := calmDocument{Schema: calmSchema, Nodes: []calmNode{}, Relationships: []calmRelation{}, Metadata: map[string]any{"name": g.Title, "view": g.Kind}}
	for _, n := range g.Nodes {
		d.Nodes = append(d.Nodes, calmNode{ID: string(n.Ref), Type: calmNodeType(n), Name: n.Label, Description: calmAbout(n), Metadata: calmMeta(n.Facts, n.Badges, n.Change)})
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
		d.Nodes = append(d.Nodes, calmNode{ID: "group/" + gr.ID, Type: "system", Name: gr.Label, Description: gr.Kind + " " + gr.Label})
		if len(members) > 0 {
			d.Relationships = append(d.Relationships, calmRelation{ID: "composition " + gr.ID, Type: calmType{Composed: &calmComposed{"group/" + gr.ID, members}}})
		}
	}
	for _, e := range g.Edges {
		about := says(e)
		if about == "" {
			about = strings.ReplaceAll(string(e.Kind), "-", " ")
		}
		facts := []view.Fact{{Name: "kind", Value: string(e.Kind)}}
		protocol := calmProtocols[strings.ToLower(e.Protocol)]
		if protocol == "" && e.Protocol != "" {
			facts = append(facts, view.Fact{Name: "protocol", Value: e.Protocol})
		}
		d.Relationships = append(d.Relationships, calmRelation{ID: e.ID(), Description: about, Protocol: protocol, Metadata: calmMeta(append(facts, e.Facts...), e.Badges, e.Change),
			Type: calmType{Connects: &calmConnects{calmEnd{string(e.From)}, calmEnd{string(e.To)}}}})
	}
	out, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(out, '\n'), nil
}

func calmNodeType(n view.Node) string {
	switch {
	case n.Kind == view.Store:
		return "database"
	case n.Kind == view.Table, n.Kind == view.Event:
		return "data-asset"
	case n.Kind == view.Topic:
		return "topic" // the schema lets types be any word
	case n.Kind == view.Gateway, n.Kind == view.Service && n.Role == arch.RoleGateway:
		return "gateway"
	case n.Kind == view.External, n.Kind == view.Context:
		return "system"
	case n.Kind == view.Person:
		return "actor"
	case n.Role == arch.RoleUI:
		return "webclient"
	}
	return "service"
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
func calmMeta(fs []view.Fact, badges []view.Badge, ch view.Change) map[string]any {
	m := map[string]any{}
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
		m["change"] = ch
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

// calmProtocols are the words that CALM has for a protocol.
var calmProtocols = map[string]string{"http": "HTTP", "https": "HTTPS", "ftp": "FTP", "sftp": "SFTP", "jdbc": "JDBC", "websocket": "WebSocket", "socketio": "SocketIO",
	"ldap": "LDAP", "amqp": "AMQP", "tls": "TLS", "mtls": "mTLS", "tcp": "TCP"}
