// Package legacy is a shop in one piece: an HTTP server over one SQLite database.
// It works, it is tested through its public face, and it has everything that makes
// such a shop hard to cut:
//
//   - entities: one package of types that all contexts share
//   - dao: one data access object over six tables, with joins across contexts
//   - one schema with foreign keys across contexts (dao/schema.sql)
//   - manager: a class that does everything, with a transaction over ordering,
//     stock and billing that calls the bank while it is open
//   - kernel and util: a shared kernel worth sharing, and utilities that are not
//   - outside: a bank, a carrier and a supplier that are called over HTTP, each
//     with another way of getting it wrong
//   - catalog: the one context that was kept apart, and shows that it can be done
//
// `ashlar split examples/shop/legacy` says where to cut it.
package legacy
