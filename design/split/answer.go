package split

import (
	"fmt"
	"math"
	"slices"
)

// Verdict is what to do.
type Verdict string

const (
	KeepWhole  Verdict = "leave it as it is"
	Modular    Verdict = "keep a modular monolith"
	ExtractFew Verdict = "modular monolith first, then extract a few services"
)

// Answer comes first: what to do and why not something else.
type Answer struct {
	Verdict    Verdict  `json:"verdict"`
	Sentence   string   `json:"sentence"`   // the whole in one or two sentences
	Confidence float64  `json:"confidence"` // 0 to 1
	Why        []string `json:"why"`        // each with its number
	NotMore    string   `json:"notMore"`    // why not more services
	NotFewer   string   `json:"notFewer"`   // why not fewer
	Changes    []string `json:"changes"`    // what would change the answer
	Extract    []string `json:"extract"`    // contexts worth a service, the first first
	Unknown    []string `json:"unknown"`    // what nobody said, and how to say it
}

// Limits of the answer. Sources: the sizes are those that M. Fowler ("Monolith
// First", 2015) and S. Newman ("Monolith to Microservices", 2019) argue with: a
// team of up to nine is not slowed by one deployable, and a service needs someone
// to run it.
const (
	smallLines  = 10_000 // below this a rewrite of a part costs less than a border
	teamSize    = 7      // people who own a service or a few
	heavyTx     = .25    // share of writing transactions that would be cut: too many
	surely      = .65    // stability from which borders can be trusted
	worthFactor = 1.15   // value over price
)

// answer decides.
func (r *Result) answer() Answer {
	var a Answer
	m := r.model
	if len(r.Candidates) == 0 {
		return Answer{Verdict: KeepWhole, Sentence: "Nothing was found that could be cut."}
	}
	c := &r.Candidates[0]
	k := len(c.Own())
	people, teams, said := r.people()
	writing, cut := 0, 0
	for _, x := range m.txs {
		if len(x.writes) > 0 {
			writing++
		}
	}
	for _, x := range c.Tx {
		if len(x.Contexts) > 1 {
			cut++
		}
	}
	var worth []string
	for _, x := range byWorth(c) {
		if x.Extract.Worth {
			worth = append(worth, x.Name)
		}
	}
	a.Why = append(a.Why, fmt.Sprintf("%d contexts; under noise the borders come out alike by %.2f (1 is always, %.2f is enough)", k, c.Stability, surely))
	if n := len(c.Contexts) - k; n > 0 {
		a.Why = append(a.Why, fmt.Sprintf("%d more %s no table and no way in: %s inside", n, plural(n, "module has", "modules have"), plural(n, "a library", "libraries")))
	}
	whole := r.whole()
	if whole > 0 && c.Cost.Total >= whole {
		a.Why = append(a.Why, fmt.Sprintf("by Ashlar's own measure this cut costs %.2f, no cut at all %.2f", c.Cost.Total, whole))
	}
	if writing > 0 {
		a.Why = append(a.Why, fmt.Sprintf("%d of %d writing transactions would span contexts (above %.0f %% a cut costs more than it brings)", cut, writing, 100*heavyTx))
	}
	foreign, shared := 0, 0
	for _, t := range c.Tables {
		if len(t.Writers) > 0 {
			shared++
		}
		if len(t.Writers)+len(t.Readers) > 0 {
			foreign++
		}
	}
	if len(c.Tables) > 0 {
		a.Why = append(a.Why, fmt.Sprintf("%d of %d tables are touched by a context that does not own them, %d of these are written", foreign, len(c.Tables), shared))
	}
	if m.g.Lines > 0 {
		a.Why = append(a.Why, fmt.Sprintf("%d lines of source", m.g.Lines))
	}
	if said {
		a.Why = append(a.Why, fmt.Sprintf("%d people in %d teams", people, teams))
	} else if people > 0 {
		a.Why = append(a.Why, fmt.Sprintf("%d authors in the history; teams are not stated", people))
	}
	heavy := writing > 0 && float64(cut) > heavyTx*float64(writing)
	small := m.g.Lines > 0 && m.g.Lines < smallLines
	unsure := c.Stability < surely
	few := people > 0 && people <= teamSize
	dear := whole > 0 && c.Cost.Total >= whole
	switch {
	case k <= 1:
		a.Verdict, a.Sentence = KeepWhole, "Leave it whole: no border inside it is better than none."
	case small && k <= 2 && !(teams > 1):
		a.Verdict, a.Sentence = KeepWhole, fmt.Sprintf("Leave it whole: %d lines and %d contexts are less than one team keeps in mind.", m.g.Lines, k)
	case heavy || unsure || small || few || dear || len(worth) == 0:
		a.Verdict = Modular
		why := "the borders are not certain enough to put a network on them"
		switch {
		case heavy:
			why = fmt.Sprintf("%d of %d writing transactions would become sagas", cut, writing)
		case small:
			why = fmt.Sprintf("%d lines do not carry the running costs of several services", m.g.Lines)
		case dear:
			why = "no cut was found that costs less than none"
		case few:
			why = fmt.Sprintf("%d people work on it, about one team: services would only add operations", people)
		case len(worth) == 0 && !unsure:
			why = "no context brings more on its own than cutting it out costs"
		}
		a.Sentence = fmt.Sprintf("Keep one deployable and make it modular: %d modules (%s) with borders that the build enforces, because %s.", k, nameList(c), why)
	default:
		a.Verdict = ExtractFew
		a.Extract = worth[:min(len(worth), r.maxServices(teams))]
		a.Sentence = fmt.Sprintf("Draw %d module borders inside the monolith first (%s); then extract %s, the rest stays.", k, nameList(c), listed(a.Extract))
	}
	r.neighbours(&a, c)
	a.Confidence = math.Round(100*math.Min(.95, .35+.4*c.Stability+.05*float64(5-len(r.Facts.Missing)))) / 100
	if !said {
		a.Unknown = append(a.Unknown, "teams: `teams: {sales: {size: 5}}` in ashlar.yaml; more than one team for a context's code would speak for extracting it")
	}
	if !m.seen && m.rate == nil {
		a.Unknown = append(a.Unknown, "call volumes: traces or journeys with rates; load that differs by context would speak for extracting it")
	}
	if heavy {
		a.Changes = append(a.Changes, fmt.Sprintf("redrawing the %d %s, so that each writes in one", cut, plural(cut, "transaction that spans contexts", "transactions that span contexts")))
	}
	if unsure {
		a.Changes = append(a.Changes, "pins (`together`, `apart`, `names`) from someone who knows the domain: borders that a person states need not be found")
	}
	if few || small || !said {
		a.Changes = append(a.Changes, "a second team that waits for the first one's releases")
	}
	a.Changes = append(a.Changes, "a part that must scale, be released or be kept apart by law on its own")
	return a
}

// whole is the cost of no cut at all; 0 when it was not measured.
func (r *Result) whole() float64 {
	for _, b := range r.Baselines {
		if b.Name == allInOne {
			return b.Cost.Total
		}
	}
	return 0
}

// extractAsked puts the contexts that the user wants as services in place of those
// that are worth it, and says what that brings and takes.
func (r *Result) extractAsked() error {
	if len(r.opts.Extract) == 0 || len(r.Candidates) == 0 {
		return nil
	}
	r.Answer.Extract = nil
	for _, name := range r.opts.Extract {
		i := slices.IndexFunc(r.Candidates[0].Contexts, func(x Context) bool { return x.Name == name })
		if i < 0 {
			var names []string
			for _, x := range r.Candidates[0].Contexts {
				names = append(names, x.Name)
			}
			return fmt.Errorf("extract %s: no context of that name; there are %s", name, listed(names))
		}
		e := r.Candidates[0].Contexts[i].Extract
		r.Answer.Extract = append(r.Answer.Extract, name)
		r.Answer.Why = append(r.Answer.Why, fmt.Sprintf("you asked to extract %s: that brings %.2f and takes %.2f", name, e.Value, e.Price))
	}
	return nil
}

// maxServices is how many services the teams can run: about two a team, and not
// more than three when teams are not known.
func (r *Result) maxServices(teams int) int {
	if teams > 0 {
		return 2 * teams
	}
	return 3
}

// people are those of the stated teams, else the authors of the last history.
func (r *Result) people() (people, teams int, said bool) {
	if s := r.opts.System; s != nil && len(s.Teams) > 0 {
		for _, t := range s.Teams {
			n := teamSize
			if t.Size.Known {
				n = t.Size.V
			}
			people += n
		}
		return people, len(s.Teams), true
	}
	return len(r.model.g.Authors), 0, false
}

// neighbours says why not the next finer and the next coarser candidate.
func (r *Result) neighbours(a *Answer, c *Candidate) {
	k := len(c.Own())
	a.NotMore, a.NotFewer = "no finer cut was found that costs less", "no coarser cut was found that costs less"
	for i := range r.Candidates[1:] {
		o := &r.Candidates[i+1]
		say := fmt.Sprintf("%d contexts would cost %.2f instead of %.2f (severed %.0f %% instead of %.0f %%, transactions that span contexts %d instead of %d)",
			len(o.Own()), o.Cost.Total, c.Cost.Total, 100*o.Cost.Cross, 100*c.Cost.Cross, spanning(o), spanning(c))
		if len(o.Own()) > k {
			a.NotMore = say
			break
		}
	}
	for i := range r.Candidates[1:] {
		o := &r.Candidates[i+1]
		if len(o.Own()) < k {
			a.NotFewer = fmt.Sprintf("%d contexts would cost %.2f instead of %.2f: a context would take part in %.0f %% of the use cases (log scale) instead of %.0f %%",
				len(o.Own()), o.Cost.Total, c.Cost.Total, 100*o.Cost.Mixed, 100*c.Cost.Mixed)
			break
		}
	}
}
