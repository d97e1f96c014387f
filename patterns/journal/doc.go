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
// Stores: journal/sqlitestore (embedded, pure Go) and journal/pgstore
// (production; a lease elects the writer among several processes). Both run the
// suite in journal/journaltest.
package journal
