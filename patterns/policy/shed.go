package policy

import "errors"

// Priority is a call's importance. It travels with the call, so that all
// services of a chain shed the same calls and none does work for a call that
// another one drops.
type Priority uint8

const (
	Normal   Priority = iota // the default: a person waits
	Critical                 // must get through: payment capture, health
	Low                      // may come late: prefetch, background refresh
	Bulk                     // may fail: batch, crawlers
	priorities
)

// String returns the priority's name, as headers carry it.
func (p Priority) String() string {
	if p < priorities {
		return priorityNames[p]
	}
	return "unknown"
}

var priorityNames = [priorities]string{"normal", "critical", "low", "bulk"}

// ParsePriority reads a name that String printed.
func ParsePriority(s string) (Priority, bool) {
	for p, n := range priorityNames {
		if n == s {
			return Priority(p), true
		}
	}
	return Normal, false
}

// Ramp is where a class of calls is shed: none below From, all from To on, and
// between them a share that grows with the cube, so that the first signs of
// load cost few calls. From and To are shares of capacity in use.
type Ramp struct{ From, To float64 }

// ShedConfig has a ramp for each priority; defaults: Bulk 0.6 to 0.8, Low 0.7
// to 0.9, Normal 0.8 to 1, Critical never before 1.
type ShedConfig struct{ Bulk, Low, Normal, Critical Ramp }

// Defaults returns c with every zero ramp replaced by its default.
func (c ShedConfig) Defaults() ShedConfig {
	for _, r := range []struct{ p, d *Ramp }{
		{&c.Bulk, &Ramp{0.6, 0.8}}, {&c.Low, &Ramp{0.7, 0.9}}, {&c.Normal, &Ramp{0.8, 1}}, {&c.Critical, &Ramp{1, 1}},
	} {
		if *r.p == (Ramp{}) {
			*r.p = *r.d
		}
	}
	return c
}

// Validate joins everything that is wrong with c; nil means usable.
func (c ShedConfig) Validate() error {
	d := c.Defaults()
	ok := func(name string, r Ramp) error {
		return check(r.From >= 0 && r.To >= r.From, "shed: %s ramp from %g to %g does not rise", name, r.From, r.To)
	}
	return errors.Join(ok("Bulk", d.Bulk), ok("Low", d.Low), ok("Normal", d.Normal), ok("Critical", d.Critical))
}

// Shedder drops the least important calls first as capacity runs out. It has no
// state: how much is in use is told by the limit that it stands before.
type Shedder struct{ cfg swap[shedState] }

type shedState struct {
	ShedConfig
	ramps [priorities]Ramp
}

// NewShedder builds a Shedder.
func NewShedder(c ShedConfig) (*Shedder, error) {
	s := &Shedder{}
	return s, s.Configure(c)
}

// Configure changes the configuration.
func (s *Shedder) Configure(c ShedConfig) error {
	if err := c.Validate(); err != nil {
		return err
	}
	c = c.Defaults()
	s.cfg.store(shedState{c, [...]Ramp{Normal: c.Normal, Critical: c.Critical, Low: c.Low, Bulk: c.Bulk}})
	return nil
}

// Config returns the configuration in force, defaults filled in.
func (s *Shedder) Config() ShedConfig { return s.cfg.get().ShedConfig }

// Certain reports whether the decision about p needs no random number.
func (s *Shedder) Certain(p Priority, used float64) bool {
	r := s.cfg.get().ramps[min(p, priorities-1)]
	return used < r.From || used >= r.To
}

// Admit decides about a call of priority p while the share used of capacity is
// in use: Admitted or Shed. u is random in [0, 1).
func (s *Shedder) Admit(p Priority, used, u float64) Verdict {
	r := s.cfg.get().ramps[min(p, priorities-1)]
	switch {
	case used < r.From:
		return Verdict{}
	case used >= r.To:
		return Verdict{Reason: Shed}
	}
	x := (used - r.From) / (r.To - r.From)
	if u < x*x*x {
		return Verdict{Reason: Shed}
	}
	return Verdict{}
}
