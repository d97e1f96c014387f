package cli

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/archfile"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

func (a *app) discoverCmd() *cobra.Command {
	var in input
	var format, out, explain string
	var asJSON bool
	var live live
	c := &cobra.Command{
		Use:   "discover [PATH...]",
		Short: "Find out what a system is made of",
		Long:  "Discover reads what describes a system and prints its services, stores and calls, each with where it is known from.\nA PATH is a file, a folder, or - for standard input.\n\nWith --listen it is a receiver of OpenTelemetry traces (OTLP over gRPC and HTTP) until it is interrupted or --for is over, and then says what the spans showed, together with the paths where any are given:\n\n  ashlar discover --listen 127.0.0.1:4317 --for 10m deploy/ -o ashlar.yaml",
		Args: func(_ *cobra.Command, paths []string) error {
			if len(paths) == 0 && len(live.addrs) == 0 {
				return errors.New("name a file or a folder, - for standard input, or --listen for traces")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, paths []string) error {
			if err := live.receive(a, &in); err != nil {
				return err
			}
			r, err := a.read(&in, paths)
			if err != nil {
				return err
			}
			if asJSON {
				format = "json"
			}
			if format == "" {
				format = formatOf(out)
			}
			if format == "yaml" {
				return a.writeArchfile(out, paths, r)
			}
			w, done, err := a.output(out)
			if err != nil {
				return err
			}
			b := bufio.NewWriter(w)
			switch {
			case explain != "":
				err = explainFact(b, r.System, explain)
			case format == "json":
				err = writeJSON(b, discovered(r))
			case format == "text":
				_, err = b.Write(r.System.AppendText(nil, true))
			case format == "terminal":
				a.printSystem(b, r)
			default:
				return fmt.Errorf("--format %s: want terminal, json, text or yaml", format)
			}
			if err != nil {
				return err
			}
			if err := b.Flush(); err != nil {
				return &exit{ExitEnvironment, err}
			}
			return done()
		},
	}
	in.flags(c)
	live.flags(c)
	c.Flags().StringVarP(&format, "format", "f", "", "terminal, json, text (every fact with all its claims) or yaml (an ashlar.yaml); default by the output file's name")
	c.Flags().BoolVar(&asJSON, "json", false, "same as --format json")
	c.Flags().StringVarP(&out, "output", "o", "", "file to write to; an existing ashlar.yaml keeps its comments and what was written by hand")
	c.Flags().StringVar(&explain, "explain", "", "print every claim about an `ELEMENT` (service/order, or a name) and its sources")
	return c
}

// formatOf goes by the name of the output file.
func formatOf(out string) string {
	switch {
	case strings.HasSuffix(out, ".yaml"), strings.HasSuffix(out, ".yml"):
		return "yaml"
	case strings.HasSuffix(out, ".json"):
		return "json"
	}
	return "terminal"
}

// writeArchfile writes or updates an ashlar.yaml.
func (a *app) writeArchfile(out string, paths []string, r *discover.Result) error {
	var old []byte
	var lock archfile.Lock
	if out != "" && out != "-" {
		b, err := os.ReadFile(out)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return &exit{ExitEnvironment, err}
		}
		old = b
		if lock, err = readLock(out); err != nil {
			return err
		}
		if lock != nil && paths != nil { // a cut that is written has no claims of its own to resolve
			if r.System, err = archfile.Without(r.System, filepath.ToSlash(filepath.Clean(out))); err != nil {
				return err
			}
		}
	}
	looked := func(w archfile.Written) bool { return wasRead(r, paths, w) }
	b, err := archfile.Write(old, r.System, &archfile.Options{Path: out, Lock: lock, Looked: looked})
	if err != nil {
		return err
	}
	if out == "" || out == "-" {
		_, err = a.stdout.Write(b)
		return err
	}
	what := "written"
	switch {
	case bytes.Equal(old, b):
		what = "is up to date"
	case len(old) > 0:
		what = "updated"
	}
	lock, err = archfile.Relock(out, old, b, lock, r.System)
	if err != nil {
		return err
	}
	// The lock first: a fact that it knows and the file does not have harms nothing.
	for _, f := range []struct {
		name string
		text []byte
	}{{out + archfile.LockSuffix, lock.AppendText(nil)}, {out, b}} {
		if err := replaceFile(f.name, f.text); err != nil {
			return &exit{ExitEnvironment, err}
		}
	}
	_, _ = fmt.Fprintf(a.stderr, "%s %s: %s\n", out, what, summary(r))
	if left := archfile.Dangling(r.System); len(left) > 0 {
		_, _ = fmt.Fprintf(a.stderr, "left out, since nothing describes what they name: %s\n", count(len(left), "fact"))
	}
	return nil
}

// readLock reads what discovery wrote into a file; nil when there is no lock.
func readLock(out string) (archfile.Lock, error) {
	b, err := os.ReadFile(out + archfile.LockSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, &exit{ExitEnvironment, err}
	}
	l, err := archfile.ParseLock(b)
	if err != nil {
		return nil, fmt.Errorf("%s%s: %w", out, archfile.LockSuffix, err)
	}
	return l, nil
}

// wasRead reports whether this run looked where a fact came from: at its file, or
// where it has none, through its source. A run over a part of the files says
// nothing about the rest.
func wasRead(r *discover.Result, paths []string, w archfile.Written) bool {
	if w.File == "" {
		_, ok := r.System.Coverage[w.By]
		return ok
	}
	file := path.Clean(w.File)
	return slices.ContainsFunc(paths, func(p string) bool {
		p = path.Clean(filepath.ToSlash(p))
		return p == "." && !path.IsAbs(file) && !strings.HasPrefix(file, "../") || file == p || strings.HasPrefix(file, p+"/")
	})
}

// replaceFile writes beside the file and renames, so that a crash leaves the old
// one or the new one.
func replaceFile(name string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	if _, err := f.Write(b); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// fact is a fact as JSON shows it.
type fact struct {
	Of     arch.Ref   `json:"of"`
	At     arch.Field `json:"at,omitempty"`
	Value  string     `json:"value"`
	Claims []claim    `json:"claims,omitempty"`
	_      struct{}   `json:"-"`
}

type claim struct {
	Value  string        `json:"value"`
	Origin arch.Origin   `json:"origin"`
	From   []arch.Source `json:"from"`
	Count  int64         `json:"count"`
}

type discoveredJSON struct {
	Format   int                      `json:"format"`
	Facts    []fact                   `json:"facts"`
	Coverage map[string]arch.Coverage `json:"coverage"`
	Skipped  []discover.Skip          `json:"skipped"`
	Faults   []string                 `json:"faults"`
}

func discovered(r *discover.Result) discoveredJSON {
	j := discoveredJSON{Format: arch.Format, Facts: []fact{}, Coverage: r.System.Coverage, Skipped: append([]discover.Skip{}, r.Skipped...), Faults: []string{}}
	for _, f := range arch.Facts(r.System) {
		x := fact{Of: f.Of, At: f.At, Value: f.Value}
		for _, c := range r.System.Ledger[f.Fact] {
			x.Claims = append(x.Claims, claim{c.Value, c.Origin(), c.From, c.Count})
		}
		j.Facts = append(j.Facts, x)
	}
	for _, f := range r.Faults {
		j.Faults = append(j.Faults, f.Error())
	}
	return j
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// printSystem prints the system as people read it: who calls whom, and where
// that is known from.
func (a *app) printSystem(w io.Writer, r *discover.Result) {
	s := r.System
	p := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
	p("%s", summary(r))
	if len(r.Environments) > 0 {
		p("environments: %s  (-e shows one)", strings.Join(r.Environments, ", "))
	}
	g := map[arch.Ref][]arch.Edge{}
	for _, e := range s.Edges() {
		g[e.From.Parent()] = append(g[e.From.Parent()], e)
	}
	for _, name := range arch.Sorted(s.Gateways) {
		to := map[arch.Ref]int{}
		for _, rt := range s.Gateways[name].Routes {
			to[rt.To]++
		}
		p("\n%s  gateway (%s)", name, s.Gateways[name].Kind)
		for _, t := range arch.Sorted(to) {
			p("  -> %-32s  %s", t.Short()+missing(s, t), count(to[t], "route"))
		}
	}
	for _, name := range arch.Sorted(s.Services) {
		svc := s.Services[name]
		ref := arch.NewRef(arch.KindService, name)
		p("\n%s%s%s", name, role(svc), where(s, arch.Fact{Of: ref}))
		for _, op := range arch.Sorted(svc.Operations) {
			o := svc.Operations[op]
			line := "  " + op
			if o.Trigger != "" && o.Trigger != op {
				line += "  (" + o.Trigger + ")"
			}
			if p99, ok := o.Latency.Time(.99); ok && o.Latency.N > 0 {
				line += fmt.Sprintf("  p99 %s over %s", p99.Round(10_000), count(int(o.Latency.N), "call"))
			}
			p("%s", line)
			var lines []string
			for _, e := range g[ref] {
				if e.From.Member() == op {
					lines = append(lines, strings.TrimRight(fmt.Sprintf("    -> %-30s  %s", e.Call.To.Short()+missing(s, e.Call.To), detail(e)), " "))
				}
			}
			for i, l := range lines {
				if n := slices.Index(lines, l); n < i {
					continue
				}
				if n := len(lines) - len(slices.DeleteFunc(slices.Clone(lines), func(x string) bool { return x == l })); n > 1 {
					l += fmt.Sprintf(", at %d places", n)
				}
				p("%s", l)
			}
		}
		for _, e := range g[ref] {
			if e.From == ref {
				p("  -> %-32s  %s%s", e.Call.To.Short()+missing(s, e.Call.To), detail(e), where(s, e.At("to"), e.At()))
			}
		}
	}
	for _, name := range arch.Sorted(s.Stores) {
		p("\n%s  store (%s)%s", name, cmp.Or(s.Stores[name].Kind, "of what kind is not known"), where(s, arch.Fact{Of: arch.NewRef(arch.KindStore, name)}))
	}
	for i, name := range arch.Sorted(s.Topics) {
		if i == 0 {
			p("\ntopics:")
		}
		p("%s%s", strings.TrimRight(fmt.Sprintf("  %-34s  %s", name, s.Topics[name].Broker), " "), where(s, arch.Fact{Of: arch.NewRef(arch.KindTopic, name)}))
	}
	for i, name := range arch.Sorted(s.Contracts) {
		if i == 0 {
			p("\ncontracts:")
		}
		c, of := s.Contracts[name], "nobody that is known"
		if c.Provider != "" {
			of = c.Provider.Short()
		}
		line := "  " + name + "  " + c.Kind
		if c.Version != "" {
			line += " " + c.Version
		}
		p("%s, of %s%s", line, of, where(s, arch.Fact{Of: arch.NewRef(arch.KindContract, name)}))
	}
	if cs := s.Ledger.Conflicts(); len(cs) > 0 {
		p("\n%s: sources disagree (the first one counts; --explain and --format text show all)", count(len(cs), "conflict"))
		for _, k := range alike(cs) {
			f := k[0]
			var vs []string
			for _, c := range s.Ledger[f][:min(3, len(s.Ledger[f]))] {
				vs = append(vs, fmt.Sprintf("%q (%s)", shown(f, c.Value), c.From[0]))
			}
			more := ""
			if len(k) > 1 {
				more = fmt.Sprintf(", and %d more like it", len(k)-1)
			}
			p("  %s: %s%s", f, strings.Join(vs, ", "), more)
		}
	}
	for i, x := range r.Skipped {
		if i == 0 {
			p("\nnot read:")
		}
		if i == 10 {
			p("  %d more; see --json", len(r.Skipped)-i)
			break
		}
		p("  %s: %s", x.Path, x.Why)
	}
}

// shown is a fact's value for people: memory as ashlar.yaml has it.
func shown(f arch.Fact, v string) string {
	if steps := f.At.Steps(); len(steps) > 0 && steps[len(steps)-1] == "memory" {
		if b, err := strconv.ParseFloat(v, 64); err == nil {
			return strconv.FormatFloat(b/(1<<20), 'f', -1, 64) + "MiB"
		}
	}
	return doc.Redact(short(v))
}

// alike groups facts about the same field of elements of one kind, the smallest
// groups first: what happens once is more telling than what happens everywhere.
func alike(fs []arch.Fact) [][]arch.Fact {
	by := map[string][]arch.Fact{}
	for _, f := range fs {
		steps := f.At.Steps()
		if len(steps) > 2 { // /uses/service~1order#1/protocol: whose call does not count
			steps = []string{steps[0], steps[len(steps)-1]}
		}
		key := string(f.Of.Kind()) + "/" + strings.Join(steps, "/")
		by[key] = append(by[key], f)
	}
	out := make([][]arch.Fact, 0, len(by))
	for _, k := range arch.Sorted(by) {
		out = append(out, by[k])
	}
	slices.SortStableFunc(out, func(a, b []arch.Fact) int { return len(a) - len(b) })
	return out
}

func role(svc arch.Service) string {
	if svc.Role == "" {
		return ""
	}
	return "  " + svc.Role
}

func missing(s arch.System, r arch.Ref) string {
	if r.Kind() == arch.KindService && !s.Has(r) {
		return " (does not exist here)"
	}
	return ""
}

func detail(e arch.Edge) string {
	var parts []string
	if e.Call.Access == arch.AccessRead || e.Call.Access == arch.AccessWrite {
		parts = append(parts, e.Call.Access)
	}
	if e.Call.Protocol != "" {
		parts = append(parts, e.Call.Protocol)
	}
	if n, ok := e.Call.PerCall.Mean(); ok && n > 1 {
		parts = append(parts, fmt.Sprintf("%.1f a call", n))
	}
	if e.Call.Why != "" {
		parts = append(parts, e.Call.Why)
	}
	return strings.Join(parts, ", ")
}

func where(s arch.System, fs ...arch.Fact) string {
	if src := s.Ledger.Where(fs...).String(); src != "" {
		return "  [" + src + "]"
	}
	return ""
}

// explainFact prints the claims about an element and all that lies in it.
func explainFact(w io.Writer, s arch.System, what string) error {
	ref, err := findRef(s, what)
	if err != nil {
		return err
	}
	for _, f := range arch.Facts(s) {
		if f.Of != ref && !(f.Of.Kind() != arch.KindDeployment && f.Of.Parent() == ref) && !(f.Of.Kind() == arch.KindDeployment && f.Of.Name() == ref.Name()) {
			continue
		}
		name := string(f.Of.Kind()) + " " + f.Of.Short()
		if f.At == "" {
			name += " exists"
		} else {
			name += " " + string(f.At)
		}
		if f.Value != "" {
			name += " = " + shown(f.Fact, f.Value)
		}
		if _, err := fmt.Fprintln(w, name); err != nil {
			return err
		}
		for i, c := range s.Ledger[f.Fact] {
			verdict := "  "
			if i > 0 && c.Value != f.Value {
				verdict = "  lost: " + shown(f.Fact, c.Value) + ", "
			}
			for j, src := range c.From {
				if j == 3 {
					_, _ = fmt.Fprintf(w, "%sand %d more\n", verdict, c.Count-int64(j))
					break
				}
				reason := ""
				if src.Reason != "" && src.Reason != src.String() {
					reason = "  " + src.Reason
				}
				if src.Via != "" {
					reason += "  (" + src.Via + ")"
				}
				_, _ = fmt.Fprintf(w, "%s%s (%s) says so in %s%s\n", verdict, src.By, src.Origin, src, reason)
			}
		}
	}
	return nil
}

func short(v string) string {
	if len(v) > 100 {
		return v[:97] + "..."
	}
	return v
}

// findRef takes a reference or a plain name.
func findRef(s arch.System, what string) (arch.Ref, error) {
	if r, err := arch.ParseRef(what); err == nil && s.Has(r) {
		return r, nil
	}
	what = strings.Replace(what, "service.", "", 1)
	for _, k := range []arch.Kind{arch.KindService, arch.KindStore, arch.KindTopic, arch.KindGateway, arch.KindExternal, arch.KindContext} {
		if r := arch.NewRef(k, what); s.Has(r) {
			return r, nil
		}
	}
	msg := fmt.Sprintf("nothing here is called %q", what)
	if near := s.Nearest(arch.NewRef(arch.KindService, what)); near != "" {
		msg += fmt.Sprintf("; did you mean %s?", near.Short())
	}
	return "", fmt.Errorf("%s", msg)
}
