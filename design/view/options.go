package view

import (
	"errors"
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
)

// Grouping says which areas a picture has.
type Grouping string

const (
	ByContext Grouping = "context"
	ByTeam    Grouping = "team"
	NoGroups  Grouping = "none"
)

// Labels says which edges carry text.
type Labels string

const (
	AllLabels Labels = "all"
	NoLabels  Labels = "none"
)

// Options of a view; nil and the zero value are the defaults.
type Options struct {
	Title string // default: the system's name
	// Env leaves out what is deployed in other environments alone, and takes
	// limits and replicas of this one.
	Env string
	// Focus keeps what lies within Radius arrows of one element, in either
	// direction. Default of Radius: 1.
	Focus  arch.Ref
	Radius int
	// HideInfrastructure leaves out services that every other may lean on:
	// telemetry, registries, configuration, brokers, load generators. Gateways
	// and identity stay, since they say where requests enter and who is asked.
	HideInfrastructure bool
	// Group: default by context when contexts are known, else none.
	Group Grouping
	// Labels: default only where they say something and there is room.
	Labels   Labels
	Findings []Finding
}

// Finding is what a review found, as far as a picture is concerned: on an
// element, or (From and To set) on the calls between two.
type Finding struct {
	Of       arch.Ref
	From, To arch.Ref
	Badge
}

// Validate joins all faults of the options for a system.
func (o *Options) Validate(s arch.System) error {
	if o == nil {
		return nil
	}
	var faults []error
	switch o.Group {
	case "", ByContext, ByTeam, NoGroups:
	default:
		faults = append(faults, fmt.Errorf("unknown grouping %q: want context, team or none", o.Group))
	}
	switch o.Labels {
	case "", AllLabels, NoLabels:
	default:
		faults = append(faults, fmt.Errorf("unknown labels %q: want all or none", o.Labels))
	}
	if o.Radius < 0 {
		faults = append(faults, fmt.Errorf("a radius of %d: want 1 or more", o.Radius))
	}
	if o.Focus != "" {
		if err := focusFault(s, o.Focus); err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

func focusFault(s arch.System, r arch.Ref) error {
	if _, err := arch.ParseRef(string(r)); err != nil {
		return fmt.Errorf("focus: %w", err)
	}
	if s.Has(r) {
		return nil
	}
	if near := s.Nearest(r); near != "" {
		return fmt.Errorf("focus: there is no %s %s; did you mean %s?", r.Kind(), r.Short(), near.Short())
	}
	return fmt.Errorf("focus: there is no %s %s", r.Kind(), r.Short())
}
