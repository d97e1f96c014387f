// Package review finds the red flags of an architecture: what will hurt, how
// much it hurts here, where it stands, and what to do about it.
//
// A [Rule] is one declaration with its check; package rules lists them all.
// Precision comes before number: what an input does not cover is "not judged",
// never a finding, and taking a source away adds no finding.
package review

import (
	"cmp"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/discover"
)

// Severity says how bad it is when it happens.
type Severity uint8

const (
	_        Severity = iota // not set: the rule's own
	Info                     // good to know
	Low                      // untidy, will cost time
	Medium                   // hurts in a bad week
	High                     // an outage waiting for its day
	Critical                 // broken now
)

var severities = [...]string{"", "info", "low", "medium", "high", "critical"}

func (s Severity) String() string { return severities[min(int(s), len(severities)-1)] }

// MarshalText writes the name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// ParseSeverity reads a name.
func ParseSeverity(name string) (Severity, error) {
	if i := slices.Index(severities[:], strings.ToLower(name)); i > 0 {
		return Severity(i), nil
	}
	return 0, fmt.Errorf("unknown severity %q; there are %s", name, strings.Join(severities[1:], ", "))
}

// Rule is one red flag: its documentation and its check. The text is what
// `ashlar explain`, the docs page and the reports print.
type Rule struct {
	ID         string // family/name, stable: "resilience/no-timeout"
	Title      string // the finding in few words, without names
	Why        string // what goes wrong, one or two sentences
	Bad, Good  string // a short example of each
	Since      string // version that brought it
	Severity   Severity
	Confidence float64 // of a finding, 0..1, before the case lowers it
	// Needs are the kinds of evidence without which the rule cannot judge.
	Needs  []Need
	Params []Param
	Source string // where the advice comes from
	// Advice is the `ashlar advise` that computes the cure, "resilience", of the
	// call between the last two elements of a finding; "": none does.
	Advice string
	// Cure is the verb of ashlar that makes or computes the cure from the whole
	// system: "fix", "split", or "advise" with a decision; "": none does.
	Cure string
	// Fires and Silent name public files that were tried: "owner/repo@commit path".
	// Untried says why there is none yet.
	Fires, Silent, Untried string

	Check func(c *Case, r *Reporter)
}

// Family is the part of the ID before the slash.
func (r Rule) Family() string {
	f, _, _ := strings.Cut(r.ID, "/")
	return f
}

// Cures are the commands that make or compute the cure.
func (r Rule) Cures() []string {
	var out []string
	if r.Cure != "" {
		out = append(out, "ashlar "+r.Cure+" .")
	}
	if r.Advice != "" {
		out = append(out, "ashlar advise "+r.Advice+" CALLER CALLEE")
	}
	return out
}

// advice is the command that computes the cure of a call, where one does.
func (r Rule) advice(from, to arch.Ref) string {
	if r.Advice == "" || from.Kind() != arch.KindOp && from.Kind() != arch.KindService {
		return ""
	}
	switch to.Kind() {
	case arch.KindOp, arch.KindService, arch.KindStore, arch.KindTable, arch.KindExternal:
	default:
		return ""
	}
	word := func(of arch.Ref) string {
		s := of.Short()
		if strings.ContainsAny(s, " \t'\"$`\\|&;<>()*?[]#~={}!%") {
			return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
		}
		return s
	}
	return "ashlar advise " + r.Advice + " " + word(from) + " " + word(to)
}

// Param is a number or text that users may set in ashlar.yaml.
type Param struct {
	Name, Default, About string
}

// Need is a kind of evidence.
type Need string

const (
	Manifests Need = "manifests" // how things are deployed
	Calls     Need = "calls"     // who calls whom, from any source
	Traces    Need = "traces"
	Code      Need = "code"
	History   Need = "history"
	Routes    Need = "routes"   // gateway or mesh configuration
	Revision  Need = "revision" // what the system was before
)

var needHelp = map[Need]string{
	Manifests: "Kubernetes manifests or a compose file", Calls: "anything that says who calls whom", Traces: "traces (Jaeger JSON, OTLP)",
	Code: "source code", History: "a git history", Revision: "another revision to compare with (review --against REF)", Routes: "Istio, Gateway API, Kong or Ingress resources",
}

// Case is what a rule judges.
type Case struct {
	System      arch.System
	Documents   []discover.Document
	Code        *code.Graph
	Environment string
	// Config holds what users set, by rule.
	Config map[string]RuleConfig
	// Paths are what was read, as given.
	Paths []string
	// Before is the system as it was, to be compared with; nil for none.
	Before *Before
	graph  *Graph
}

// Before is another revision of what is judged.
type Before struct {
	Name      string   // of the revision, for messages
	Paths     []string // that were read, in the order of the case's
	System    arch.System
	Documents []discover.Document
}

// Rel is a file's path below the one of roots that it lies in, behind the root's
// number, so that the files of two revisions can be told to be one.
func Rel(roots []string, file string) string {
	for i, r := range roots {
		if r == "" { // the revision does not have it
			continue
		}
		r = path.Clean(filepath.ToSlash(r))
		if file == r {
			return strconv.Itoa(i) + ":"
		}
		if rest, ok := strings.CutPrefix(file, r+"/"); ok || r == "." {
			return strconv.Itoa(i) + ":" + rest // all of it where nothing is cut
		}
	}
	return file
}

// RuleConfig is what users set for a rule.
type RuleConfig struct {
	Severity string
	Off      bool
	Params   map[string]string
}

// Has reports whether the case has a kind of evidence.
func (c *Case) Has(n Need) bool {
	switch n {
	case Manifests:
		return len(c.System.Deployments) > 0
	case Calls:
		return len(c.System.Edges()) > 0
	case Traces:
		return c.System.Looked(arch.Trace)
	case Code:
		return !c.Code.Empty() || c.System.Looked(arch.Code)
	case Revision:
		return c.Before != nil
	case History:
		return c.Code != nil && len(c.Code.Changes) > 0
	case Routes:
		return slices.ContainsFunc(c.Documents, func(d discover.Document) bool { return strings.HasPrefix(d.Kind, "istio ") }) || len(c.System.Gateways) > 0
	}
	return false
}

// Graph is who depends on whom; computed once.
func (c *Case) Graph() *Graph {
	if c.graph == nil {
		c.graph = newGraph(c.System)
	}
	return c.graph
}

// Finding is one red flag at one place.
type Finding struct {
	Rule string `json:"rule"`
	// Key identifies the finding from run to run: rule and elements, no line
	// numbers, so that it survives edits of the file around it.
	Key        string     `json:"key"`
	Title      string     `json:"title"`            // one line with names and the number that hurts here
	Detail     string     `json:"detail,omitempty"` // more, when a line is not enough
	Severity   Severity   `json:"severity"`
	Confidence float64    `json:"confidence"`
	Of         []arch.Ref `json:"of"`
	Evidence   []Evidence `json:"evidence"`
	Path       []arch.Ref `json:"path,omitempty"` // of a chain or cycle, in order
	Fix        string     `json:"fix,omitempty"`
	Advice     string     `json:"advice,omitempty"` // the command that computes the numbers of the fix
	// Edits cure it mechanically, where that can be done; see [Fix].
	Edits []Edit `json:"edits,omitempty"`
	// Consequence ranks: severity x confidence x how much of the system leans on
	// the elements. See [Rank].
	Consequence float64 `json:"consequence"`
}

// Evidence is a place that shows it.
type Evidence struct {
	arch.Source
	Note string `json:"note,omitempty"`
}

// Unjudged is what a rule could not judge, and what it would take.
type Unjudged struct {
	Rule string     `json:"rule"`
	Of   []arch.Ref `json:"of,omitempty"` // empty: everything
	Why  string     `json:"why"`
}

// Reporter takes what a check finds.
type Reporter struct {
	rule   *Rule
	c      *Case
	result *Result
	config RuleConfig
}

// Find reports a finding; Rule, Severity, Confidence and Key are filled in where
// the check leaves them empty. The key is made of the elements and parts. A
// finding that gathers equal ones sets a Key of what it always holds, so that it
// stays the same finding when one more joins; the rule's ID is put before it.
func (r *Reporter) Find(f Finding, parts ...string) {
	f.Rule = r.rule.ID
	if f.Severity == 0 {
		f.Severity = r.rule.Severity
	}
	if s, err := ParseSeverity(r.config.Severity); err == nil {
		f.Severity = s
	}
	f.Confidence = cmp.Or(f.Confidence, r.rule.Confidence)
	if n := len(f.Of); f.Advice == "" && (n == 2 || n > 2 && len(f.Path) > 0) { // of a gathered list no two are a call
		f.Advice = r.Advice(f.Of[n-2], f.Of[n-1])
	}
	if f.Key == "" {
		key := []string{f.Rule}
		for _, of := range f.Of {
			key = append(key, string(of))
		}
		f.Key = strings.Join(append(key, parts...), ":")
	} else {
		f.Key = f.Rule + ":" + f.Key
	}
	r.result.Findings = append(r.result.Findings, f)
}

// Advice is the command that computes the cure of a call, "" when the rule names
// none or no code makes such a call. Find fills it in for the last two elements.
func (r *Reporter) Advice(from, to arch.Ref) string { return r.rule.advice(from, to) }

// NotJudged reports elements that the rule cannot judge.
func (r *Reporter) NotJudged(why string, of ...arch.Ref) {
	us := r.result.NotJudged
	for i := range us {
		if us[i].Rule == r.rule.ID && us[i].Why == why {
			us[i].Of = append(us[i].Of, of...)
			return
		}
	}
	r.result.NotJudged = append(us, Unjudged{r.rule.ID, of, why})
}

// Text returns a parameter.
func (r *Reporter) Text(name string) string {
	if v, ok := r.config.Params[name]; ok {
		return v
	}
	for _, p := range r.rule.Params {
		if p.Name == name {
			return p.Default
		}
	}
	panic("review: rule " + r.rule.ID + " has no parameter " + name)
}

// Number returns a numeric parameter; what does not parse counts as the default.
func (r *Reporter) Number(name string) float64 {
	var v float64
	if _, err := fmt.Sscan(r.Text(name), &v); err == nil {
		return v
	}
	for _, p := range r.rule.Params {
		if p.Name == name {
			_, _ = fmt.Sscan(p.Default, &v)
		}
	}
	return v
}

// Duration returns a parameter that is a time; what does not parse counts as the
// default.
func (r *Reporter) Duration(name string) time.Duration {
	if d, err := time.ParseDuration(r.Text(name)); err == nil {
		return d
	}
	for _, p := range r.rule.Params {
		if p.Name == name {
			d, _ := time.ParseDuration(p.Default) // the catalogue's test parses it
			return d
		}
	}
	return 0
}

// At is the evidence for a fact: the first place of the first fact that has any.
func (c *Case) At(note string, facts ...arch.Fact) Evidence {
	return Evidence{c.System.Ledger.Where(facts...), note}
}

// Result of a run.
type Result struct {
	Findings  []Finding  `json:"findings"` // by consequence
	NotJudged []Unjudged `json:"notJudged"`
	Rules     int        `json:"rules"` // that ran
	// Accepted are findings that somebody accepted, with the reason; Notes say
	// which acceptances have run out or fit nothing.
	Accepted []Accepted `json:"accepted,omitempty"`
	Notes    []string   `json:"notes,omitempty"`
}

// Run checks all rules and ranks what they find.
func Run(c *Case, rules []Rule) *Result {
	res := &Result{Findings: []Finding{}, NotJudged: []Unjudged{}}
	for i := range rules {
		r := &rules[i]
		rep := &Reporter{rule: r, c: c, result: res, config: c.Config[r.ID]}
		if rep.config.Off {
			continue
		}
		if missing := slices.DeleteFunc(slices.Clone(r.Needs), c.Has); len(missing) > 0 {
			rep.NotJudged("needs " + needHelp[missing[0]])
			continue
		}
		res.Rules++
		r.Check(c, rep)
	}
	rank(c, res)
	for i := range res.NotJudged {
		slices.Sort(res.NotJudged[i].Of)
		res.NotJudged[i].Of = slices.Compact(res.NotJudged[i].Of)
	}
	return res
}
