package journaltest

import (
	"fmt"
	"slices"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/journal"
)

func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

func ids(u journal.Unit, ids ...string) journal.Unit {
	for i, id := range ids {
		u.Records[i].ID = id
	}
	return u
}

func repeatSame(b *bundle) {
	one, two := b.journal(nil), b.journal(nil)
	b.append(one, unit("other", 4))
	first := b.append(one, expect(ids(unit("a", 3), "x", "", "y"), 0))
	b.append(one, unit("a", 2))
	for i, j := range []*journal.Journal{one, two, one} {
		again := b.append(j, expect(ids(unit("a", 3), "x", "", "y"), 0))
		if !again.Repeated || again.First != first.First || again.Last != first.Last {
			b.Errorf("repetition %d: %+v, first was %+v", i, again, first)
		}
	}
	if res := b.append(two, ids(unit("b", 1), "x")); res.Repeated {
		b.Error("an ID of another stream counted as a repetition")
	}
	if n := len(b.all(one)); n != 10 {
		b.Errorf("%d records, want 10", n)
	}
	s := b.store()
	defer func() { _ = s.Close() }()
	res, err := s.Commit(b.Context(), now(), []journal.Unit{ids(unit("c", 1), "k"), ids(unit("c", 1), "k")})
	if err != nil || res[0].Repeated || !res[1].Repeated || res[1].First != res[0].First {
		b.Errorf("twice in one group: %+v, %v", res, err)
	}
}

func repeatMixed(b *bundle) {
	j := b.journal(nil)
	b.append(j, ids(unit("a", 1), "x"))
	_, err := j.Append(b.Context(), ids(unit("a", 2), "new", "x"))
	if d, ok := as[*journal.DuplicateError](err); !ok || d.ID != "x" || d.Position != 1 {
		b.Errorf("got %v", err)
	}
	b.head(j, 1)
}

func readTypes(b *bundle) {
	j := b.journal(nil)
	var want []int64
	for i := range 25 {
		u := unit(fmt.Sprint("s", i), 3)
		u.Records[1].Type, u.Records[2].Type = "rare", "seldom"
		res := b.append(j, u)
		want = append(want, res.First+1, res.First+2)
	}
	b.append(j, unit("last", 9))
	var got []int64
	after := int64(0)
	for {
		rs, looked, err := j.ReadTypes(b.Context(), after, []string{"rare", "seldom", "never"}, 7)
		if err != nil || len(rs) > 7 {
			b.Fatal(len(rs), err)
		}
		for _, r := range rs {
			if r.Type != "rare" && r.Type != "seldom" || r.Position <= after || r.Position > looked || len(r.Data) == 0 {
				b.Errorf("after %d, looked up to %d: %+v", after, looked, r)
			}
			got = append(got, r.Position)
		}
		if looked == after {
			break
		}
		after = looked
	}
	if !slices.Equal(got, want) || after != 84 {
		b.Errorf("got %v up to %d, want %v up to 84", got, after, want)
	}
}

func readPages(b *bundle) {
	j := b.journal(nil)
	for i := range 25 {
		b.append(j, unit(fmt.Sprintf("s%d", i%3), 2))
	}
	var got []journal.Record
	for after := int64(0); ; {
		rs, err := j.Read(b.Context(), after, 7)
		if err != nil || len(rs) > 7 {
			b.Fatal(len(rs), err)
		}
		if len(rs) == 0 {
			break
		}
		got, after = append(got, rs...), rs[len(rs)-1].Position
	}
	if len(got) != 50 {
		b.Errorf("%d records in pages, want 50", len(got))
	}
	rs, err := j.ReadStream(b.Context(), "s1", 3, 4)
	if err != nil || len(rs) != 4 || rs[0].Version != 4 || rs[3].Version != 7 {
		b.Errorf("stream page: %+v, %v", rs, err)
	}
	if rs, err = j.ReadStream(b.Context(), "none", 0, 4); err != nil || len(rs) != 0 {
		b.Errorf("unknown stream: %+v, %v", rs, err)
	}
	u := unit("big", 3)
	for i := range u.Records {
		u.Records[i].Data = make([]byte, 900<<10)
	}
	for range 4 {
		b.append(j, u)
	}
	if rs, err = j.ReadStream(b.Context(), "big", 0, 0); err != nil || len(rs) < 8 || len(rs) > 10 {
		b.Errorf("a page of large records has %d of them, %v; want about 8 MiB", len(rs), err)
	}
}

func reopenContinues(b *bundle) {
	for i := range int64(3) {
		s := b.store()
		j, err := journal.Open(b.Context(), s, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.append(j, expect(unit("a", 2), 2*i))
		if err := j.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	j := b.journal(nil)
	if n := len(b.all(j)); n != 6 {
		b.Errorf("%d records, want 6", n)
	}
	if d, err := j.Describe(b.Context()); err != nil || len(d) < 5 {
		b.Errorf("describe: %q, %v", d, err)
	}
}
