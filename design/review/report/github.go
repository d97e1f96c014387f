package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/ashlar-dev/ashlar/design/review"
)

// githubMax is how many annotations of a kind GitHub shows for one step of a
// workflow.
const githubMax = 10

// GitHub prints workflow commands, which a step of GitHub Actions turns into
// annotations at the lines of a pull request: the worst of each kind, since no more
// are shown, and a line that counts the rest. SARIF holds them all.
func GitHub(w io.Writer, r *Report) error {
	n := map[string]int{}
	for _, f := range redacted(r.Result.Findings) {
		kind := githubLevel(f.Severity)
		if n[kind]++; n[kind] > githubMax {
			continue
		}
		at := "title=" + githubProperty(f.Severity.String()+": "+r.rule(f.Rule).Title)
		for _, e := range f.Evidence {
			if e.File != "" {
				at += ",file=" + githubProperty(strings.TrimPrefix(e.File, "./"))
				if e.Line > 0 {
					at += fmt.Sprintf(",line=%d", e.Line)
				}
				break
			}
		}
		text := f.Title
		for _, s := range []string{f.Fix, f.Advice, "ashlar explain " + f.Rule} {
			if s != "" {
				text += "\n" + s
			}
		}
		if _, err := fmt.Fprintf(w, "::%s %s::%s\n", kind, at, githubText(text)); err != nil {
			return err
		}
	}
	for _, kind := range []string{"error", "warning", "notice"} {
		if more := n[kind] - githubMax; more > 0 {
			if _, err := fmt.Fprintf(w, "%d more of %s are not annotated: GitHub shows %d\n", more, kind, githubMax); err != nil {
				return err
			}
		}
	}
	return nil
}

func githubLevel(s review.Severity) string {
	switch {
	case s >= review.High:
		return "error"
	case s == review.Medium:
		return "warning"
	}
	return "notice"
}

// githubText keeps a text on the line of its command.
func githubText(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

// githubProperty keeps a text within its property.
func githubProperty(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}
