package marks

import (
	"regexp/syntax"
	"slices"
	"strings"
	"testing"
)

// What is looked for line by line cannot lie on two lines, and is found as in the
// whole text.
func TestLines(t *testing.T) {
	t.Parallel()
	text := []byte("\"status\"\nno\n\n\"/health/\" '/ping'\nimport \"go.opentelemetry.io/otel\"\nOPENTELEMETRY\ngrpc_health_v1\n\"express\"\nslog.NewJSONHandler(\nLaunchDarkly opencensus\n@nestjs/terminus\n\"status\nactuator\"\n/live/")
	n := 0
	for _, p := range patterns {
		if !p.line {
			continue
		}
		re, err := syntax.Parse(p.at.String(), syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		if crosses(re) {
			t.Errorf("%s can lie on two lines", p.at)
		}
		got, want := p.find(text), p.at.FindAllSubmatchIndex(text, -1)
		if !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%s: %v, in the whole %v", p.at, got, want)
		}
		n += len(want)
	}
	if n < 12 {
		t.Errorf("%d places", n)
	}
}

func crosses(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpAnyChar, syntax.OpBeginText, syntax.OpEndText:
		return true
	case syntax.OpLiteral:
		return strings.ContainsRune(string(re.Rune), '\n')
	case syntax.OpCharClass:
		for i := 0; i < len(re.Rune); i += 2 {
			if re.Rune[i] <= '\n' && '\n' <= re.Rune[i+1] {
				return true
			}
		}
	}
	return slices.ContainsFunc(re.Sub, crosses)
}
