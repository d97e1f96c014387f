package schema_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
	"github.com/ashlar-dev/ashlar/patterns/journal/schema"
)

// paper is a database that notes what runs.
type paper struct {
	at  int
	ran []string
}

func (p *paper) Version(context.Context) (int, error) { return p.at, nil }
func (p *paper) Run(_ context.Context, sql string, _, version int) error {
	p.ran, p.at = append(p.ran, sql), version
	return nil
}

var steps = []schema.Step{{1, "up1", "down1"}, {2, "up2", "down2"}, {3, "up3", "down3"}}

func TestMove(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		from, to int
		want     string
	}{
		{0, schema.Latest, "up1 up2 up3"}, {1, 2, "up2"}, {3, 1, "down3 down2"}, {2, 0, "down2 down1"}, {3, 3, ""},
	} {
		p := &paper{at: tc.from}
		if err := schema.Move(t.Context(), p, "X", steps, tc.to); err != nil || strings.Join(p.ran, " ") != tc.want {
			t.Errorf("%d to %d ran %v, %v; want %s", tc.from, tc.to, p.ran, err, tc.want)
		}
	}
	var newer *driver.SchemaError
	if err := schema.Move(t.Context(), &paper{at: 9}, "X", steps, schema.Latest); !errors.As(err, &newer) || newer.Found != 9 || newer.Know != 3 {
		t.Errorf("tables of a newer program: %v", err)
	}
	if err := schema.Move(t.Context(), &paper{}, "X", steps, 4); err == nil {
		t.Error("a target beyond the last step was taken")
	}
}

func ExampleMove() {
	db := &paper{}
	steps := []schema.Step{{Version: 1, Up: "CREATE TABLE t (a)", Down: "DROP TABLE t"}}
	fmt.Println(schema.Move(context.Background(), db, "notes", steps, schema.Latest), db.ran)
	// Output: <nil> [CREATE TABLE t (a)]
}
