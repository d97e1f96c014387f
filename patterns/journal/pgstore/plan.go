package pgstore

import (
	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
)

// known is what the database says about the streams of a group.
type known struct {
	versions map[string]int64
	repeated map[[2]string]int64 // stream and record ID -> position
	tokens   map[string]int64    // of leases
}

// reset forgets all, and keeps the memory for the next group.
func (k *known) reset() {
	if k.versions == nil || len(k.versions) > generation {
		*k = known{map[string]int64{}, map[[2]string]int64{}, map[string]int64{}}
		return
	}
	clear(k.versions)
	clear(k.repeated)
	clear(k.tokens)
}

// plan numbers the group's records from the head on, given what is known, and
// adds those that are accepted to the image and fills results with all answers.
// Units see the effect of those before them.
func plan(group []driver.Unit, head int64, k *known, m *image, results []driver.Result) (newHead int64) {
	for i := range group {
		u, res := &group[i], &results[i]
		version := k.versions[u.Stream]
		*res = driver.Result{Version: version}
		switch {
		case u.Fence != nil && k.tokens[u.Fence.Lease] != u.Fence.Token:
			res.Err = &driver.FencedError{Lease: u.Fence.Lease, Token: u.Fence.Token, Current: k.tokens[u.Fence.Lease]}
			continue
		case len(k.repeated) > 0 && repeated(u, k, res):
			continue
		case u.Expected != driver.Any && u.Expected != version:
			res.Err = &driver.ConflictError{Stream: u.Stream, Expected: u.Expected, Actual: version}
			continue
		}
		res.First = head + 1
		for n := range u.Records {
			r := &u.Records[n]
			head++
			version++
			m.add(u.Stream, head, version, r)
			if r.ID != "" {
				k.repeated[[2]string{u.Stream, r.ID}] = head
			}
		}
		k.versions[u.Stream] = version
		res.Last, res.Version = head, version
	}
	return head
}

// repeated answers a unit whose record IDs are in the stream already.
func repeated(u *driver.Unit, k *known, res *driver.Result) bool {
	var first, last int64
	var id string
	named, found := 0, 0
	for i := range u.Records {
		if u.Records[i].ID == "" {
			continue
		}
		named++
		p, ok := k.repeated[[2]string{u.Stream, u.Records[i].ID}]
		if !ok {
			continue
		}
		if found == 0 || p < first {
			first, id = p, u.Records[i].ID
		}
		last = max(last, p)
		found++
	}
	switch {
	case found == 0:
		return false
	case found < named:
		res.Err = &driver.DuplicateError{Stream: u.Stream, ID: id, Position: first}
	default:
		res.First, res.Last, res.Repeated = first, last, true
	}
	return true
}

// needs is what a group must know beyond what the store remembers.
type needs struct {
	streams       []string
	idStream, ids []string
	leases        []string
}

// gather forgets what k says, and collects what is remembered into it and the rest into the needs. With
// fresh set nothing is taken from memory, and nothing assumed.
//
// Otherwise a stream that must not exist yet is assumed not to, and record IDs
// to be new: the unique indexes refute it, since a stream is only ever removed
// whole.
func (k *known) gather(group []driver.Unit, v *versions, fresh bool) *needs {
	k.reset()
	n := &needs{}
	for i := range group {
		u := &group[i]
		if u.Fence != nil {
			if _, ok := k.tokens[u.Fence.Lease]; !ok {
				k.tokens[u.Fence.Lease] = 0
				n.leases = append(n.leases, u.Fence.Lease)
			}
		}
		for r := range u.Records {
			if id := u.Records[r].ID; id != "" && fresh {
				n.idStream, n.ids = append(n.idStream, u.Stream), append(n.ids, id)
			}
		}
		if _, ok := k.versions[u.Stream]; ok {
			continue
		}
		version, ok := int64(0), false
		if !fresh {
			version, ok = v.get(u.Stream)
		}
		k.versions[u.Stream] = version
		if !ok && (fresh || u.Expected != 0) {
			n.streams = append(n.streams, u.Stream)
		}
	}
	return n
}

// versions remembers the versions of the streams that were written last, in two
// generations: when the young one is full it becomes the old one.
type versions struct{ young, old map[string]int64 }

const generation = 16 << 10

func (v *versions) get(stream string) (int64, bool) {
	if n, ok := v.young[stream]; ok {
		return n, true
	}
	n, ok := v.old[stream]
	return n, ok
}

func (v *versions) put(stream string, n int64) {
	if len(v.young) >= generation {
		v.old, v.young = v.young, nil
	}
	if v.young == nil {
		v.young = make(map[string]int64)
	}
	v.young[stream] = n
}

func (v *versions) forget() { v.young, v.old = nil, nil }
