package review

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/archfile"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Settings are what the `review:` sections of ashlar.yaml files say.
type Settings struct {
	Rules    map[string]RuleConfig // by full ID
	Suppress []archfile.Suppression
	Baseline string // path, "" for none
}

// levels are the severities of ashlar.yaml in the words of this package.
var levels = map[string]Severity{"info": Info, "low": Low, "medium": Medium, "high": High, "critical": Critical, "warning": Medium, "error": High}

// ReadSettings gathers the settings among documents and joins what is wrong with
// them: rules and parameters that don't exist, parameters of the wrong type.
func ReadSettings(docs []discover.Document, rules []Rule) (Settings, error) {
	s := Settings{Rules: map[string]RuleConfig{}}
	var faults []error
	for _, f := range discover.Of[*archfile.File](docs) {
		for _, id := range arch.Sorted(f.V.Review.Rules) {
			rule, err := FindRule(rules, id)
			if err != nil {
				faults = append(faults, fmt.Errorf("%s: review.rules: %w", f.Path, err))
				continue
			}
			cfg, errs := configure(rule, f.V.Review.Rules[id])
			for _, err := range errs {
				faults = append(faults, fmt.Errorf("%s: review.rules.%s: %w", f.Path, id, err))
			}
			s.Rules[rule.ID] = cfg
		}
		for _, x := range f.V.Review.Suppress {
			rule, err := FindRule(rules, x.Rule)
			if err != nil {
				faults = append(faults, fmt.Errorf("%s: review.suppress: %w", x.At, err))
				continue
			}
			x.Rule = rule.ID
			s.Suppress = append(s.Suppress, x)
		}
		if b := f.V.Review.Baseline; b != "" {
			s.Baseline = filepath.Join(filepath.Dir(filepath.FromSlash(f.Path)), filepath.FromSlash(b))
		}
	}
	return s, errors.Join(faults...)
}

func configure(rule Rule, r archfile.Rule) (RuleConfig, []error) {
	cfg := RuleConfig{Off: r.Severity == "off", Params: map[string]string{}}
	if l, ok := levels[r.Severity]; ok {
		cfg.Severity = l.String()
	}
	var faults []error
	for _, name := range arch.Sorted(r.Parameters) {
		text := fmt.Sprint(r.Parameters[name])
		p, err := rule.param(name)
		if err == nil {
			err = p.fits(text)
		}
		if err != nil {
			faults = append(faults, err)
			continue
		}
		cfg.Params[name] = text
	}
	return cfg, faults
}

func (r Rule) param(name string) (Param, error) {
	var known []string
	for _, p := range r.Params {
		if p.Name == name {
			return p, nil
		}
		known = append(known, p.Name)
	}
	if len(known) == 0 {
		return Param{}, fmt.Errorf("%s has no parameters", r.ID)
	}
	return Param{}, fmt.Errorf("no parameter %q; there is %s", name, strings.Join(known, ", "))
}

// fits compares a value with the kind of the default.
func (p Param) fits(text string) error {
	number := func(s string) bool { _, err := strconv.ParseFloat(s, 64); return err == nil }
	span := func(s string) bool { _, err := parseSpan(s); return err == nil }
	switch {
	case number(p.Default) && !number(text):
		return fmt.Errorf("%s: %q is no number", p.Name, text)
	case !number(p.Default) && span(p.Default) && !span(text):
		return fmt.Errorf("%s: %q is no time such as %s", p.Name, text, p.Default)
	}
	return nil
}

// FindRule finds a rule by its ID or by the part behind the slash; the error
// names the nearest one.
func FindRule(rules []Rule, id string) (Rule, error) {
	var ids []string
	for _, r := range rules {
		_, name, _ := strings.Cut(r.ID, "/")
		if r.ID == id || name == id {
			return r, nil
		}
		ids = append(ids, r.ID, name)
	}
	msg := fmt.Sprintf("there is no rule %q", id)
	if near := doc.Nearest(id, ids); near != "" {
		r, err := FindRule(rules, near)
		if err == nil {
			msg += fmt.Sprintf("; did you mean %s?", r.ID)
		}
	}
	return Rule{}, errors.New(msg)
}
