// Package structurizr reads C4 workspaces: the DSL and the JSON of Structurizr,
// and writes the DSL. It reads the part that says what there is: elements, their
// groups, relationships and deployments. Views, styles, documentation and
// configuration are skipped and counted.
//
// The DSL is a program: it may include files and addresses, run scripts and
// plugins, and look at variables of the machine. Reading it here runs nothing and
// asks nobody: [Options.Open] gives local files, whatever else is asked for is
// listed in [Workspace.Left].
//
// What [Workspace.DSL] writes, [ReadDSL] reads back equal, identifiers, places and
// [Workspace.Appendix] aside.
package structurizr

import "github.com/ashlar-dev/ashlar/formats/doc"

// Kind of an element.
type Kind string

const (
	Person         Kind = "person"
	SoftwareSystem Kind = "softwareSystem"
	Container      Kind = "container"
	Component      Kind = "component"
	Custom         Kind = "element"
	// Group is an area without a type: its Parent is the element or group around it.
	Group Kind = "group"
	// Deployed is a node of a deployment: what runs on it is in Instances.
	Deployed Kind = "deploymentNode"
)

// Workspace is a model of the architecture.
type Workspace struct {
	Name, Description string
	Elements          []Element // each after the one around it
	Relationships     []Relationship
	Instances         []Instance
	Views             int // that were skipped
	// Left is what the workspace asks for and was not done, with its place.
	Left []Left
	// Appendix is text of the DSL for the end of the workspace, such as views; it is
	// written and never read.
	Appendix string
}

// Element is a box of the model.
type Element struct {
	ID                            string // unique in the workspace
	Kind                          Kind
	Name, Description, Technology string
	Tags                          []string // without those that the kind has by itself
	Properties                    map[string]string
	Parent                        string // ID of the element or group around it, or ""
	Pos                           doc.Pos
}

// Relationship leads from one element to another.
type Relationship struct {
	From, To                string // IDs
	Description, Technology string
	Tags                    []string
	Properties              map[string]string
	Async                   bool // its style of interaction
	Pos                     doc.Pos
}

// Instance is a container or a software system where it runs.
type Instance struct {
	Of          string // ID
	Environment string
	Nodes       []string // names of the deployment nodes around it, outermost first
	Count       int      // how many the nodes ask for; 0 when that is not a number
	Pos         doc.Pos
}

// Left is one thing that was not done.
type Left struct {
	What string
	Pos  doc.Pos
}

// Options of reading; nil is the default.
type Options struct {
	// Open gives the text of a file, by its slash path beside the one that is read,
	// or the names of the files of a folder (which then end with a slash when they are
	// folders). nil: nothing is included.
	Open func(path string) (text []byte, names []string, err error)
}

// Limits of what a workspace may ask for.
const (
	maxBytes    = 16 << 20 // of all files together
	maxDepth    = 64       // of blocks, and of files in files
	maxFiles    = 2000
	maxElements = 100_000 // and relationships, and instances
	maxToken    = 64 << 10
	maxFaults   = 100
)
