// Package patterns is the root of the Go packages that a service imports to be
// one part of a system of services: sagas, an event store, an outbox, a bus,
// breakers and their kin, service discovery, telemetry and identity.
//
// The packages stand on three floors, and imports point down only; no two
// packages of one floor know each other. Whoever needs a neighbour declares the
// small interface that it needs.
//
//	floor 3   eventstore   outbox   saga   cqrs
//	floor 2   resilience   bus   registry   telemetry   auth
//	floor 1   policy   journal   balance   admin
//
// The module has no cgo and stays light. Client libraries of brokers live in
// nested modules (bus/kafkabus, bus/rabbitbus, bus/natsbus, bus/avrocodec), so a
// user of saga never downloads them.
package patterns
