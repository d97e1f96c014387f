// Package calm reads and writes architectures of the Common Architecture
// Language Model of FINOS, releases 1.0 to 1.2, whose core is the same: nodes
// with interfaces, relationships, flows, controls and metadata.
//
// Reading is tolerant, since architectures carry words of their own by design
// (node types, keys of nodes and interfaces): what the schema does not name is
// kept in Extra, and what breaks the schema is a fault with its place. What
// [Architecture.Encode] writes, [Read] reads back equal. Patterns, timelines and
// decorators of CALM are no architectures, and [Is] says so.
package calm

// Schema is the release that Encode names when the architecture names none: the
// lowest whose flows are what is written here.
const Schema = "https://calm.finos.org/release/1.1/meta/calm.json"

// Node types that the schema names; any other word is a type as well.
const (
	Actor     = "actor"
	Ecosystem = "ecosystem"
	System    = "system"
	Service   = "service"
	Database  = "database"
	Network   = "network"
	LDAP      = "ldap"
	WebClient = "webclient"
	DataAsset = "data-asset"
)

// Protocols are the words that a relationship's protocol may be.
func Protocols() []string {
	return []string{"HTTP", "HTTPS", "FTP", "SFTP", "JDBC", "WebSocket", "SocketIO", "LDAP", "AMQP", "TLS", "mTLS", "TCP"}
}

// Architecture is one document.
type Architecture struct {
	Schema        string             `json:"$schema,omitempty"`
	ID            string             `json:"unique-id,omitempty"`
	Name          string             `json:"name,omitempty"`
	Title         string             `json:"title,omitempty"`
	Description   string             `json:"description,omitempty"`
	Nodes         []Node             `json:"nodes"`
	Relationships []Relationship     `json:"relationships"`
	Flows         []Flow             `json:"flows,omitempty"`
	Controls      map[string]Control `json:"controls,omitempty"`
	ADRs          []string           `json:"adrs,omitempty"`
	Metadata      Metadata           `json:"metadata,omitempty"`
	Extra         Extra              `json:"-"`
}

// Metadata is what a thing says about itself in words of its own. The schema
// also allows a list of such maps; they are read as one, the last one of a key counts.
type Metadata = map[string]any

// Extra are keys that the schema does not name, with their values: maps, lists,
// texts, booleans, nil, and numbers as json.Number.
type Extra = map[string]any

// Node is a part of the system: at least an ID, a type, a name and a description.
type Node struct {
	ID          string             `json:"unique-id"`
	Type        string             `json:"node-type"`
	Name        string             `json:"name"`
	Description string             `json:"description"`
	Details     *Details           `json:"details,omitempty"`
	Interfaces  []Interface        `json:"interfaces,omitempty"`
	Controls    map[string]Control `json:"controls,omitempty"`
	Metadata    Metadata           `json:"metadata,omitempty"`
	Extra       Extra              `json:"-"`
}

// Details says where a node is described further.
type Details struct {
	Architecture string `json:"detailed-architecture,omitempty"` // another document
	Pattern      string `json:"required-pattern,omitempty"`
}

// Interface is where a node can be reached. Definition and Config go together;
// an interface of an older release has its keys in Extra.
type Interface struct {
	ID         string         `json:"unique-id"`
	Definition string         `json:"definition-url,omitempty"`
	Config     map[string]any `json:"config,omitempty"`
	Extra      Extra          `json:"-"`
}

// Relationship is of exactly one type.
type Relationship struct {
	ID          string             `json:"unique-id"`
	Description string             `json:"description,omitempty"`
	Type        Type               `json:"relationship-type"`
	Protocol    string             `json:"protocol,omitempty"`
	Controls    map[string]Control `json:"controls,omitempty"`
	Metadata    Metadata           `json:"metadata,omitempty"`
	Extra       Extra              `json:"-"`
}

// Type of a relationship: one field is set.
type Type struct {
	Interacts  *Interacts `json:"interacts,omitempty"`
	Connects   *Connects  `json:"connects,omitempty"`
	DeployedIn *Container `json:"deployed-in,omitempty"`
	ComposedOf *Container `json:"composed-of,omitempty"`
	Options    []Option   `json:"options,omitempty"`
}

// Interacts is an actor, and the nodes that it uses.
type Interacts struct {
	Actor string   `json:"actor"`
	Nodes []string `json:"nodes"`
}

// Connects leads from one node to another.
type Connects struct {
	Source      End `json:"source"`
	Destination End `json:"destination"`
}

// End is a node, and which of its interfaces.
type End struct {
	Node       string   `json:"node"`
	Interfaces []string `json:"interfaces,omitempty"`
}

// Container holds nodes.
type Container struct {
	Container string   `json:"container"`
	Nodes     []string `json:"nodes"`
}

// Option is one of several ways to build a thing, of which one is chosen.
type Option struct {
	Description   string   `json:"description"`
	Nodes         []string `json:"nodes"`
	Relationships []string `json:"relationships"`
	Controls      []string `json:"controls,omitempty"`
}

// Flow is something that the business does, as transitions in the order of their
// numbers.
type Flow struct {
	ID          string             `json:"unique-id"`
	Name        string             `json:"name"`
	Description string             `json:"description"`
	Requirement string             `json:"requirement-url,omitempty"`
	Transitions []Transition       `json:"transitions"`
	Controls    map[string]Control `json:"controls,omitempty"`
	Metadata    Metadata           `json:"metadata,omitempty"`
	Extra       Extra              `json:"-"`
}

// Back is the direction of a transition that answers.
const Back = "destination-to-source"

// Transition is one step of a flow along a relationship.
type Transition struct {
	Relationship string `json:"relationship-unique-id"`
	Number       int    `json:"sequence-number"`
	Description  string `json:"description"`
	Direction    string `json:"direction,omitempty"` // "": from source to destination
}

// Control is what somebody requires of a thing, by its domain.
type Control struct {
	Description  string        `json:"description"`
	Requirements []Requirement `json:"requirements"`
}

// Requirement is one rule, with how it is met: either where that is written or
// what it says.
type Requirement struct {
	URL       string         `json:"requirement-url"`
	ConfigURL string         `json:"config-url,omitempty"`
	Config    map[string]any `json:"config,omitempty"`
}
