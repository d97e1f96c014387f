package arch

import "time"

// Format is the version of the model that this package reads and writes.
const Format = 1

// System is one view of a system: by hand, of manifests, of code, of traces, or
// merged. Elements hold Refs, never pointers to each other.
type System struct {
	Format int    `arch:"format"`
	Name   string `arch:"name"`
	// Complexity of the domain as a hand rates it: low, medium, high.
	Complexity string `arch:"complexity"`

	Capabilities map[string]Capability `arch:"capability"`
	Contexts     map[string]Context    `arch:"context"`
	Teams        map[string]Team       `arch:"team"`
	Services     map[string]Service    `arch:"service"`
	Stores       map[string]Store      `arch:"store"`
	Topics       map[string]Topic      `arch:"topic"`
	Gateways     map[string]Gateway    `arch:"gateway"`
	Externals    map[string]External   `arch:"external"`
	Sagas        map[string]Saga       `arch:"saga"`
	Journeys     map[string]Journey    `arch:"journey"`
	Contracts    map[string]Contract   `arch:"contract"`
	Constraints  map[string]Constraint `arch:"constraint"`
	// Links are network paths between zones, "eu-1a eu-1b".
	Links map[string]Link `arch:"link"`
	// Deployments by [DeploymentKey]: what differs by environment. The empty
	// environment holds for all.
	Deployments map[string]Deployment `arch:"deployment"`

	// Ledger holds every claim, also those that lost.
	Ledger Ledger `arch:"-"`
	// Coverage says what was looked at, by name of the source.
	Coverage map[string]Coverage `arch:"-"`
	// Ext carries foreign facts through a round trip.
	Ext map[string]string `arch:"ext"`
}

// Capability is something that the business does, in its own words.
type Capability struct {
	Context Ref    `arch:"context"`
	Parent  Ref    `arch:"parent"`
	About   string `arch:"about"`
}

// Context is a bounded context of domain-driven design.
type Context struct {
	Kind       string               `arch:"kind"` // core, supporting, generic
	Complexity string               `arch:"complexity"`
	Terms      map[string]string    `arch:"terms"`     // the ubiquitous language: word -> meaning
	Relations  map[string]string    `arch:"relations"` // other context -> anticorruption-layer, conformist, customer-supplier, shared-kernel, partnership, open-host
	Aggregates map[string]Aggregate `arch:"aggregates"`
	Events     map[string]Event     `arch:"events"`
}

// Aggregate is a cluster of things that change together in one transaction.
type Aggregate struct {
	Root   string   `arch:"root"`
	Types  []string `arch:"types"`
	Tables []Ref    `arch:"tables"`
}

// Event is a fact of the domain that others may learn of.
type Event struct {
	Version string `arch:"version"`
	Schema  string `arch:"schema"` // file#pointer
	Topic   Ref    `arch:"topic"`
}

// Team owns services.
type Team struct {
	Size      Opt[int]          `arch:"size"`
	Contact   string            `arch:"contact"`
	Expertise map[string]string `arch:"expertise"` // kafka -> none, some, strong
	OnCall    Opt[bool]         `arch:"on-call"`
}

// Roles of a service.
const (
	RoleApp       = "app"
	RoleUI        = "ui"
	RoleJob       = "job"
	RoleGateway   = "gateway"
	RoleBroker    = "broker"
	RoleRegistry  = "registry"
	RoleConfig    = "config"
	RoleTelemetry = "telemetry"
	RoleIdentity  = "identity"
	RoleLoadgen   = "loadgen"
)

// Infrastructure reports whether a role is one that every service may lean on,
// so that its calls say nothing about the shape of the domain.
func Infrastructure(role string) bool {
	switch role {
	case RoleGateway, RoleBroker, RoleRegistry, RoleConfig, RoleTelemetry, RoleLoadgen, RoleIdentity:
		return true
	}
	return false
}

// Service is a unit of deployment with operations.
type Service struct {
	Context    string               `arch:"context"`
	Owner      string               `arch:"owner"` // team
	Role       string               `arch:"role"`  // "": unknown, taken for app
	Lang       string               `arch:"lang"`
	Aliases    []string             `arch:"aliases"` // other names in other sources
	Objectives []Objective          `arch:"objectives"`
	Operations map[string]Operation `arch:"op"`
	// Uses are calls whose operation is not known: manifests say only that one
	// service calls another. Keyed by call ID; Call.To may be a service here.
	Uses map[string]Call `arch:"uses"`
	Run  Run             `arch:"run"`
}

// Run is what it takes to start a service.
type Run struct {
	Package string            `arch:"package"`
	Image   string            `arch:"image"`
	Command []string          `arch:"command"`
	Ports   map[string]int    `arch:"ports"`
	Env     map[string]string `arch:"env"` // names and references, never secrets
}

// Deployment is how an element runs in one environment.
type Deployment struct {
	Of          Ref               `arch:"of"` // service, store, or gateway
	Kind        string            `arch:"kind"`
	Version     string            `arch:"version"`
	Replicas    Opt[int]          `arch:"replicas"`
	Max         Opt[int]          `arch:"max"` // replicas an autoscaler may go to
	Concurrency Opt[int]          `arch:"concurrency"`
	CPU         Opt[float64]      `arch:"cpu"`    // cores, limit or else request
	Memory      Opt[float64]      `arch:"memory"` // bytes, limit or else request
	Probes      map[string]string `arch:"probes"` // liveness, readiness, startup -> "http /healthz :8080 every 10s"
	Zones       Opt[int]          `arch:"zones"`
	Disruption  Opt[bool]         `arch:"disruption-budget"`
	Strategy    string            `arch:"strategy"`
	Mesh        Opt[bool]         `arch:"mesh"` // a sidecar or ambient mesh handles its traffic
	Access      *Access           `arch:"access"`
}

// Store is a database, a cache or a bucket.
type Store struct {
	Kind    string           `arch:"kind"` // postgres, mysql, mongodb, redis, memcached, ...
	Owner   Ref              `arch:"owner"`
	Pool    Opt[int]         `arch:"pool"` // connections
	Aliases []string         `arch:"aliases"`
	Run     Run              `arch:"run"`
	Tables  map[string]Table `arch:"table"`
}

// Table is a table, a collection, or a key space.
type Table struct {
	Owner       Ref            `arch:"owner"`
	Columns     []string       `arch:"columns"`
	ForeignKeys map[string]Ref `arch:"foreign-keys"` // columns -> table
}

// Topic is a topic, queue, subject or exchange.
type Topic struct {
	Broker     string             `arch:"broker"`
	Key        string             `arch:"key"`
	Partitions Opt[int]           `arch:"partitions"`
	Retention  Opt[time.Duration] `arch:"retention"`
	DeadLetter string             `arch:"dead-letter"` // name of the topic
	Events     map[string]string  `arch:"events"`      // type -> version or schema
}

// Gateway is a place where requests enter, with its routes in the order in
// which they match.
type Gateway struct {
	Service Ref      `arch:"service"`
	Kind    string   `arch:"kind"`  // istio, gateway-api, kong, ingress, openshift, envoy
	Hosts   []string `arch:"hosts"` // that it listens for
	Routes  []Route  `arch:"routes"`
}

// Route leads requests that match to a service.
type Route struct {
	ID     string       `arch:"-"` // stable within the gateway: file's object and number
	Host   string       `arch:"host"`
	Path   string       `arch:"path"` // "/v1/orders", "/v1/*" (prefix), "~regex"
	Method string       `arch:"method"`
	To     Ref          `arch:"to"`
	Weight Opt[float64] `arch:"weight"` // share of the matches, 0..1
	Layers []Policy     `arch:"layers"`
}

// Key identifies a route within its gateway.
func (r Route) Key() string { return r.ID }

// External is a system that somebody else runs.
type External struct {
	Owner      string      `arch:"owner"`
	Host       string      `arch:"host"`
	Objectives []Objective `arch:"objectives"`
}

// Saga is a business transaction over several services.
type Saga struct {
	Owner Ref        `arch:"owner"`
	Style string     `arch:"style"` // orchestrated, choreographed
	Steps []SagaStep `arch:"steps"`
}

// SagaStep is one step; steps of the same Group run in parallel.
type SagaStep struct {
	Name         string             `arch:"-"`
	Group        string             `arch:"group"`
	Action       Ref                `arch:"action"`
	Compensation Ref                `arch:"compensation"`
	Emits        Ref                `arch:"emits"`
	Pivot        bool               `arch:"pivot"`
	Retriable    bool               `arch:"retriable"`
	Timeout      Opt[time.Duration] `arch:"timeout"`
	Retry        *Retry             `arch:"retry"`
}

// Key identifies a step within its saga.
func (s SagaStep) Key() string { return s.Name }

// Journey is a thing that users do, from its entry on.
type Journey struct {
	Entry       Ref          `arch:"entry"` // an operation
	Criticality string       `arch:"criticality"`
	Rate        Opt[float64] `arch:"rate"` // per second
	Peak        Opt[float64] `arch:"peak"` // per second
	Curve       string       `arch:"curve"`
	Users       Opt[int]     `arch:"users"`
	Objectives  []Objective  `arch:"objectives"`
	Tests       []string     `arch:"tests"` // that go through it from end to end
}

// Objective is a promise: a latency that a share of requests keeps, or an
// availability.
type Objective struct {
	Percentile   float64            `arch:"-"` // 99 with Latency
	Latency      Opt[time.Duration] `arch:"latency"`
	Availability Opt[float64]       `arch:"availability"`
	Window       Opt[time.Duration] `arch:"window"`
}

// Key identifies an objective within its list: "p99", "availability".
func (o Objective) Key() string {
	if o.Percentile > 0 {
		return "p" + formatFloat(o.Percentile)
	}
	return "availability"
}

// Contract is an interface description and who relies on it.
type Contract struct {
	Kind      string   `arch:"kind"` // openapi, asyncapi, proto, graphql, avro, jsonschema
	File      string   `arch:"file"`
	Version   string   `arch:"version"`
	Provider  Ref      `arch:"provider"`
	Consumers []Ref    `arch:"consumers"`
	Tests     []string `arch:"tests"`
}

// Constraint is a rule from outside that advice must keep.
type Constraint struct {
	Kind  string `arch:"kind"` // must-use, forbidden, budget, compliance
	Of    Ref    `arch:"of"`   // "": the whole system
	Value string `arch:"value"`
	Why   string `arch:"why"`
}

// Link is the network between two zones.
type Link struct {
	Latency Dist         `arch:"latency"` // seconds, one way
	Loss    Opt[float64] `arch:"loss"`
}
