// Package journal is the durable core under sagas, events and outboxes: an
// append-only, totally ordered log of records with one writer that commits all
// waiting appends together (group commit).
//
// The contract that floors above build on:
//
//   - Append returns only after the records are synced to the disk of the store
//     (SQLite: WAL with synchronous=FULL; PostgreSQL: synchronous_commit=on).
//   - All records of one Append are committed together or not at all.
//   - Positions are gap-free, start at 1, and are handed out in commit order: a
//     reader that has seen position n will never see a record appear below n.
//   - A stream's versions are gap-free from 1; Append may name the version that
//     it expects the stream to have, and fails with a *ConflictError otherwise.
//   - One failing Append never fails the others of its group.
//
// Why not a sequence (bigserial)? It hands out numbers when a row is inserted,
// not when it is committed, so a reader can see 7 before 6 and skip 6 for good;
// and a rolled-back insert leaves a hole that looks like a row still to come.
// Here the writer numbers the records of a group itself, under a lock that the
// database holds until the commit is visible.
//
//	flowchart LR
//	  A[Append] -->|queue| W[writer] -->|one transaction, one sync| S[(store)]
//	  B[Append] -->|queue| W
//	  S --> R[Read, ReadStream]
//	  W -->|head moved| F[Follow]
//
// Stores: journal/sqlitestore (embedded, pure Go) and journal/pgstore
// (production; several processes append to one log, and leases with fencing
// tokens settle which of them does what). Both run the suite in
// journal/journaltest.
package journal
