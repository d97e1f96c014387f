package gitlog_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/formats/gitlog"
)

const log = `commit 1111111111111111111111111111111111111111 (HEAD -> main)
Author: Ann B <ann@example.com>
Date:   Thu Jan 2 03:04:05 2026 +0000

    SHOP-12 Charge once

    More about it
    in two lines

order/place.go
"pay/\303\244.go"

commit 2222222222222222222222222222222222222222
Merge: 1111111 3333333
Author: Bob <bob@example.com>
Date:   Thu Jan 2 03:04:05 2026 +0000

    Merge branch 'x'

commit 3333333333333333333333333333333333333333
Author: dependabot[bot] <x@users.noreply.github.com>
Date:   Fri Jan 3 03:04:05 2026 +0000

    Bump

M	go.mod
R097	a/old.go	a/new.go
12	0	src/{old => new}/x.go
-	-	logo.png
`

func TestParse(t *testing.T) {
	t.Parallel()
	cs, err := gitlog.Parse(strings.NewReader(log))
	if err != nil || len(cs) != 3 {
		t.Fatalf("%v %+v", err, cs)
	}
	if c := cs[0]; c.Author != "Ann B" || c.Email != "ann@example.com" || c.Subject != "SHOP-12 Charge once" || c.Body != "More about it\nin two lines" || fmt.Sprint(c.Files) != "[order/place.go pay/ä.go]" || c.When.Day() != 2 {
		t.Errorf("%+v", c)
	}
	if !cs[1].Merge || len(cs[1].Files) != 0 {
		t.Errorf("%+v", cs[1])
	}
	if got := fmt.Sprint(cs[2].Files); got != "[go.mod a/new.go src/new/x.go logo.png]" {
		t.Error(got)
	}
	if !gitlog.Is([]byte(log)) || gitlog.Is([]byte("commit to it\nAuthor: x")) {
		t.Error("Is")
	}
	if _, err := gitlog.Parse(strings.NewReader("something else\n")); !errors.Is(err, gitlog.ErrNotLog) {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(log)
	f.Fuzz(func(t *testing.T, s string) {
		cs, err := gitlog.Parse(strings.NewReader(s))
		if err != nil {
			return
		}
		for _, c := range cs {
			if c.ID == "" {
				t.Fatalf("%+v", c)
			}
		}
	})
}

func ExampleParse() {
	cs, _ := gitlog.Parse(strings.NewReader("commit 1234567\nAuthor: Ann <a@example.com>\n\n    Fix it\n\norder.go\n"))
	fmt.Println(cs[0].Author, cs[0].Subject, cs[0].Files)
	// Output: Ann Fix it [order.go]
}
