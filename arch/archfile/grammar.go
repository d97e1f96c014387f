package archfile

import "github.com/ashlar-dev/ashlar/arch"

// sections are the top-level keys that hold elements.
var sections = map[string]arch.Kind{"capabilities": arch.KindCapability, "contexts": arch.KindContext, "teams": arch.KindTeam, "services": arch.KindService,
	"stores": arch.KindStore, "topics": arch.KindTopic, "gateways": arch.KindGateway, "externals": arch.KindExternal, "sagas": arch.KindSaga,
	"journeys": arch.KindJourney, "contracts": arch.KindContract, "constraints": arch.KindConstraint, "links": arch.KindLink}

// section is a top-level key with elements.
func section(key string, o *object, about string) field {
	return field{key: key, tag: string(sections[key]), form: named{kind: sections[key], form: o}, about: about}
}

// levels of complexity, of criticality.
var levels = text{[]string{"low", "medium", "high"}}

// systemObject is the whole file, in the order in which a new one is written.
var systemObject = &object{name: "system", about: "A system of services, as people say it.", need: []string{"ashlar"}, parts: []part{
	field{key: "ashlar", tag: "format", form: format{}, about: "The format of this file."},
	field{key: "system", tag: "name", form: text{}, about: "Name of the system."},
	field{key: "complexity", form: levels, about: "Complexity of the domain."},
	section("teams", teamObject, "Who owns services."),
	section("capabilities", capabilityObject, "What the business does, in its own words."),
	section("contexts", contextObject, "Bounded contexts."),
	section("services", serviceObject, "Units of deployment."),
	section("stores", storeObject, "Databases, caches, buckets."),
	section("topics", topicObject, "Topics, queues, subjects, exchanges."),
	section("gateways", gatewayObject, "Where requests enter."),
	section("externals", externalObject, "Systems that somebody else runs."),
	section("sagas", sagaObject, "Business transactions over several services."),
	section("journeys", journeyObject, "What users do."),
	section("contracts", contractObject, "Interface descriptions."),
	section("constraints", constraintObject, "Rules from outside that advice must keep."),
	section("links", linkObject, "Network between two zones, by their names: eu-1a eu-1b."),
	field{key: "ext", form: named{form: text{}, of: "A foreign fact."}, about: "Foreign facts, carried through."},
	reviewPart{},
	splitPart{},
}}

var teamObject = &object{name: "team", about: "A team.", parts: []part{
	field{key: "size", form: whole{0}, about: "People."},
	field{key: "contact", form: text{}, about: "How to reach it."},
	field{key: "expertise", form: named{form: text{[]string{"none", "some", "strong"}}, of: "How much of it."}, about: "What it knows: kafka: strong."},
	field{key: "on-call", form: truth{}, about: "It can be woken at night."},
}}

var capabilityObject = &object{name: "capability", about: "Something that the business does.", parts: []part{
	field{key: "context", form: to(arch.KindContext), about: "Context that holds it."},
	field{key: "parent", form: to(arch.KindCapability), about: "Capability that it is a part of."},
	field{key: "about", form: text{}, about: "In words."},
}}

var contextObject = &object{name: "context", about: "A bounded context.", parts: []part{
	field{key: "kind", form: text{[]string{"core", "supporting", "generic"}}, about: "Kind of the subdomain."},
	field{key: "complexity", form: levels, about: "Complexity of its domain."},
	field{key: "terms", form: named{form: text{}, of: "Its meaning."}, about: "The ubiquitous language: word and meaning."},
	field{key: "relations", form: named{form: text{[]string{"anticorruption-layer", "conformist", "customer-supplier", "shared-kernel", "partnership", "open-host"}}, of: "How it relates."}, about: "Relations to other contexts, by their names."},
	field{key: "aggregates", form: named{form: aggregateObject}, about: "Aggregates."},
	field{key: "events", form: named{form: eventObject}, about: "Events of the domain."},
}}

var aggregateObject = &object{name: "aggregate", about: "Things that change together in one transaction.", parts: []part{
	field{key: "root", form: text{}, about: "Its root type."},
	field{key: "types", form: texts{}, about: "Types in it."},
	field{key: "tables", form: many{[]arch.Kind{arch.KindTable, arch.KindStore}}, about: "Tables that hold it: orders.order."},
}}

var eventObject = &object{name: "event", about: "A fact of the domain that others may learn of.", parts: []part{
	field{key: "version", form: text{}, about: "Version."},
	field{key: "schema", form: text{}, about: "file#pointer"},
	field{key: "topic", form: to(arch.KindTopic), about: "Topic that carries it."},
}}

var serviceObject = &object{name: "service", about: "A unit of deployment with operations.", parts: []part{
	field{key: "context", form: member{arch.KindContext}, about: "Context that it is part of."},
	field{key: "owner", form: member{arch.KindTeam}, about: "Team that owns it."},
	field{key: "role", form: text{[]string{arch.RoleApp, arch.RoleUI, arch.RoleJob, arch.RoleGateway, arch.RoleBroker, arch.RoleRegistry, arch.RoleConfig, arch.RoleTelemetry, arch.RoleIdentity, arch.RoleLoadgen}}, about: "What it is there for; app when it is left out."},
	field{key: "lang", form: text{}, about: "Language that it is written in."},
	field{key: "aliases", form: texts{}, about: "Other names in other sources."},
	deployed{},
	field{key: "objectives", form: objectives{}, about: "Promises."},
	field{key: "run", form: embedded{runObject}, about: "What it takes to start it."},
	field{key: "operations", tag: "op", form: named{kind: arch.KindOp, form: operationObject}, about: "Its entry points."},
	field{key: "uses", form: calls{"uses"}, about: "Calls whose operation is not known."},
}}

var runObject = &object{name: "run", about: "What it takes to start it.", parts: []part{
	field{key: "package", form: text{}, about: "Package to build."},
	field{key: "image", form: text{}, about: "Container image."},
	field{key: "command", form: texts{}, about: "Command line."},
	field{key: "ports", form: named{form: whole{0}, of: "Its number."}, about: "Ports by name."},
	field{key: "env", form: named{form: text{}, of: "Its value; never a secret."}, about: "Environment: names and references, never secrets."},
}}

var operationObject = &object{name: "operation", about: "One entry point and what it does.", parts: []part{
	field{key: "trigger", form: text{}, about: "POST /v1/orders, grpc shop.v1.Order/Place, topic order-events, every 5m."},
	field{key: "contract", form: text{}, about: "file#pointer"},
	field{key: "version", form: text{}, about: "Version of the interface."},
	field{key: "idempotent", form: truth{}, about: "A second time changes nothing more."},
	field{key: "errors", form: shareQ, about: "Share of calls that fail."},
	field{key: "rate", form: rateQ, about: "Calls per second."},
	field{key: "latency", form: law{true}, about: "Latency."},
	field{key: "server", form: server{}, about: "Limits that the callee itself sets."},
	body{},
	field{key: "calls", form: calls{"calls"}, about: "Calls that happen, but it is not known when."},
}}

var storeObject = &object{name: "store", about: "A database, a cache or a bucket.", parts: []part{
	field{key: "kind", form: text{[]string{"postgres", "mysql", "mongodb", "redis", "memcached", "elasticsearch", "cassandra", "s3"}}, about: "Product."},
	field{key: "owner", form: to(arch.KindService), about: "Service that owns it."},
	field{key: "pool", form: whole{0}, about: "Connections."},
	field{key: "aliases", form: texts{}, about: "Other names in other sources."},
	deployed{},
	field{key: "run", form: embedded{runObject}, about: "What it takes to start it."},
	field{key: "tables", tag: "table", form: named{kind: arch.KindTable, form: tableObject}, about: "Tables. When none are listed, those exist that steps mention."},
}}

var tableObject = &object{name: "table", about: "A table, a collection, or a key space.", parts: []part{
	field{key: "owner", form: to(arch.KindService), about: "Service that owns it."},
	field{key: "columns", form: texts{}, about: "Columns."},
	field{key: "foreign-keys", form: named{form: to(arch.KindTable), of: "Table that it names; without the store's name for one in this store."}, about: "Columns and the table that they name."},
}}

var topicObject = &object{name: "topic", about: "A topic, queue, subject or exchange.", parts: []part{
	field{key: "broker", form: text{[]string{"kafka", "rabbitmq", "nats", "pulsar", "sqs", "sns"}}, about: "Product, or the name of the broker."},
	field{key: "key", form: text{}, about: "What orders its messages."},
	field{key: "partitions", form: whole{0}, about: "Partitions."},
	field{key: "retention", form: durationQ, about: "How long messages are kept."},
	field{key: "dead-letter", form: text{}, about: "Topic for what cannot be handled."},
	field{key: "events", form: named{form: text{}, of: "Its version or schema."}, about: "Event types that it carries."},
}}

var gatewayObject = &object{name: "gateway", about: "Where requests enter.", parts: []part{
	field{key: "service", form: to(arch.KindService), about: "Service that it is."},
	field{key: "kind", form: text{[]string{"istio", "gateway-api", "kong", "ingress", "openshift", "envoy"}}, about: "Product."},
	field{key: "hosts", form: texts{}, about: "Hosts that it listens for."},
	deployed{},
	field{key: "routes", form: routes, about: "Routes, in the order in which they match."},
}}

var externalObject = &object{name: "external", about: "A system that somebody else runs.", parts: []part{
	field{key: "owner", form: text{}, about: "Who runs it."},
	field{key: "host", form: text{}, about: "Its host."},
	promises{},
	field{key: "objectives", form: objectives{flat: true}, about: "Promises with a window."},
}}

var sagaObject = &object{name: "saga", about: "A business transaction over several services.", parts: []part{
	field{key: "owner", form: to(arch.KindService), about: "Service that runs it."},
	field{key: "style", form: text{[]string{"orchestrated", "choreographed"}}, about: "Who leads."},
	field{key: "steps", form: sagaSteps, about: "Its steps, in order."},
}}

var journeyObject = &object{name: "journey", about: "A thing that users do.", parts: []part{
	field{key: "entry", form: to(arch.KindOp), about: "Operation at which it enters."},
	field{key: "criticality", form: levels, about: "How much it matters."},
	field{key: "rate", form: rateQ, about: "How often."},
	field{key: "peak", form: rateQ, about: "How often at the worst."},
	field{key: "curve", form: text{}, about: "How the rate goes over time."},
	field{key: "users", form: whole{0}, about: "People."},
	field{key: "objectives", form: objectives{}, about: "Promises."},
	field{key: "tests", form: texts{}, about: "Tests that go through it from end to end."},
}}

var contractObject = &object{name: "contract", about: "An interface description and who relies on it.", parts: []part{
	field{key: "kind", form: text{[]string{"openapi", "asyncapi", "proto", "graphql", "avro", "jsonschema"}}, about: "Its language."},
	field{key: "file", form: text{}, about: "Where it is."},
	field{key: "version", form: text{}, about: "Version."},
	field{key: "provider", form: to(arch.KindService), about: "Service that keeps it."},
	field{key: "consumers", form: many{[]arch.Kind{arch.KindService, arch.KindExternal}}, about: "Services that rely on it."},
	field{key: "tests", form: texts{}, about: "Tests that check it."},
}}

var constraintObject = &object{name: "constraint", about: "A rule from outside.", parts: []part{
	field{key: "kind", form: text{[]string{"must-use", "forbidden", "budget", "compliance"}}, about: "What kind of rule."},
	field{key: "of", form: one{allKinds}, about: "What it is about; the whole system when it is left out."},
	field{key: "value", form: text{}, about: "What is asked."},
	field{key: "why", form: text{}, about: "Who asks for it."},
}}

var linkObject = &object{name: "link", about: "The network between two zones.", parts: []part{
	field{key: "latency", form: law{true}, about: "One way."},
	field{key: "loss", form: shareQ, about: "Share of packets lost."},
}}

// member is a plain name of an element, which need not be there while none of its
// kind is.
type member struct{ kind arch.Kind }
