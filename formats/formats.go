// Package formats is the room of other people's formats: each folder knows one,
// with its types, the places of what it reads, its semantics and, where this
// program writes it too, its encoding. None of them has an opinion; what a file
// means for an architecture is for design/discover to say.
//
// What an encoder writes, its decoder reads back equal: a test here holds every
// format to it with random values. A format without an encoder says in its package
// doc that it only reads.
package formats
