package archfile

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
)

// LockSuffix makes the name of the file that stands beside an ashlar.yaml which
// discovery wrote: ashlar.yaml.lock.
const LockSuffix = ".lock"

// Unedited is the reason of claims that stand in an ashlar.yaml as discovery
// wrote them: every other witness knows better, and no hand has spoken.
const Unedited = "discovery wrote it, and nobody changed it"

// Lock remembers what discovery wrote into an ashlar.yaml, so that a later run
// can tell it from what people wrote: a fact that still has the value of the lock
// was not edited. It belongs beside the file, in version control, too.
type Lock map[arch.Fact]Written

// Written is a fact as it was written.
type Written struct {
	Value string
	File  string // that said so; "" for none, such as traces
	By    string // source that said so
}

const lockHead = "# What `ashlar discover -o` wrote into the file beside this one. Keep the two together; do not edit.\n"

// ParseLock reads a lock. Lines of another form are an error: a lock that was
// merged by hand would make edits of people look like those of discovery.
func ParseLock(src []byte) (Lock, error) {
	l := Lock{}
	for n, line := range strings.Split(string(src), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.Split(line, "\t")
		if len(parts) != 5 {
			return nil, fmt.Errorf("line %d is no line of a lock; remove the file, and everything in ashlar.yaml counts as written by hand", n+1)
		}
		value, err := strconv.Unquote(parts[2])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
		l[arch.Fact{Of: arch.Ref(parts[0]), At: arch.Field(parts[1])}] = Written{Value: value, By: parts[3], File: parts[4]}
	}
	return l, nil
}

// AppendText appends the lock as ParseLock reads it, one line a fact, sorted.
func (l Lock) AppendText(b []byte) []byte {
	b = append(b, lockHead...)
	facts := make([]arch.Fact, 0, len(l))
	for f := range l {
		facts = append(facts, f)
	}
	slices.SortFunc(facts, func(a, b arch.Fact) int { return strings.Compare(a.String(), b.String()) })
	clean := strings.NewReplacer("\t", " ", "\n", " ").Replace
	for _, f := range facts {
		w := l[f]
		b = append(b, clean(string(f.Of))+"\t"+clean(string(f.At))+"\t"+strconv.Quote(w.Value)+"\t"+clean(w.By)+"\t"+clean(w.File)+"\n"...)
	}
	return b
}

// Unedited reports whether a fact has the value that discovery gave it.
func (l Lock) Unedited(f arch.Fact, value string) bool {
	w, ok := l[system(f)]
	return ok && w.Value == value
}

// system: there is one, whatever each view calls it.
func system(f arch.Fact) arch.Fact {
	if f.Of.Kind() == arch.KindSystem {
		f.Of = "system/"
	}
	return f
}

// Relock is the lock of a file that [Write] has written: all that it says but for
// what people wrote. old and lock are the file and its lock as they were; sys is
// what was written.
func Relock(path string, old, now []byte, lock Lock, sys arch.System) (Lock, error) {
	out := Lock{}
	hands := map[arch.Fact]string{}
	if len(bytes.TrimSpace(old)) > 0 {
		was, faults := parse(path, old, nil)
		if len(faults) > 0 {
			return nil, &Error{faults}
		}
		for _, f := range arch.Facts(was.System) {
			if !lock.Unedited(f.Fact, f.Value) {
				hands[system(f.Fact)] = f.Value
			}
		}
	}
	is, faults := parse(path, now, nil)
	if len(faults) > 0 {
		return nil, &Error{faults}
	}
	for _, f := range arch.Facts(is.System) {
		at := system(f.Fact)
		if v, ok := hands[at]; ok && v == f.Value {
			continue
		}
		w := Written{Value: f.Value}
		if src := sys.Ledger.Where(f.Fact); src.Origin == arch.Hand {
			continue
		} else if src.By != Name {
			w.By, w.File = src.By, src.File
		} else if x, ok := lock[at]; ok { // it was kept
			w.By, w.File = x.By, x.File
		}
		out[at] = w
	}
	return out, nil
}

// Soften turns the claims of a file that was read into guesses where its lock
// says that nobody edited them.
func (l Lock) Soften(s *arch.System) {
	for f, cs := range s.Ledger {
		for i, c := range cs {
			if len(c.From) == 0 || c.Origin() != arch.Hand || !l.Unedited(f, c.Value) {
				continue
			}
			from := slices.Clone(c.From)
			for j := range from {
				from[j].Origin, from[j].Reason = arch.Guess, Unedited
			}
			cs[i].From = from
		}
	}
}

// Without is a system without what only an unedited file claims: what is left is
// what sources and hands say now.
func Without(s arch.System, file string) (arch.System, error) {
	l := arch.Ledger{}
	for f, cs := range s.Ledger {
		for _, c := range cs {
			if slices.ContainsFunc(c.From, func(src arch.Source) bool {
				return src.Origin != arch.Guess || src.Reason != Unedited || src.File != file
			}) {
				l[f] = append(l[f], c)
			}
		}
	}
	return arch.Resolve(l, s.Coverage)
}
