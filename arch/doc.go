// Package arch is the architecture of a system of services as plain data: one
// value, [System], that every verb of Ashlar takes or makes. It knows the
// standard library only.
//
// # Facts and claims
//
// A System is a set of facts. A [Fact] is a place: an element, named by its
// [Ref], and a [Field] inside it. [Facts] lists what a System says, as canonical
// text; [Merge], [Diff] and the text form work on that list, so that a new field
// of a struct takes part in all of them without a line of code.
//
// The structs hold the winning value of every fact; the [Ledger] holds every
// [Claim]: who said so, where, with what value. Sources build partial Systems and
// [System.Attest] them; [Merge] folds the partial Systems into one. What a hand
// wrote always wins. Two values under one fact are a conflict, which
// [Ledger.Conflicts] shows.
//
// # Unknown
//
// Unknown is a state of its own, neither zero nor "no": numbers and booleans
// whose zero means something are [Opt]. What no source looked at is not in
// [System.Coverage], and "not seen" is not "not there".
//
// # Units
//
// Times are time.Duration; the values inside a [Dist] are SI units (seconds,
// bytes). Rates are per second, shares lie in [0, 1], CPU is in cores, memory in
// bytes.
package arch
