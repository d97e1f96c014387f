package journal

import (
	"sync/atomic"
	"time"
)

// gatherer guesses how many of those who were just answered append again at
// once, and lets the writer wait for them before the next group is closed.
// Without it two halves of the appenders would take turns, each waiting for the
// other's sync. The wait is a real one: a writer that only yields keeps a
// processor from those it waits for.
//
// The guess is a share of the group. When fewer come in time it moves half-way to
// what came; when they come it is raised again, the later the more often that
// was in vain. So appenders who have other things to do first delay nobody for
// long, and one that the machine has put aside for a while changes little.
type gatherer struct {
	arrived atomic.Int64 // appends that entered the queue, ever
	goal    atomic.Int64 // of arrived, at which the writer is woken
	full    chan struct{}

	// The writer's:
	share    float64 // of the answered, expected back
	from     int64   // arrived, when they were answered
	answered int
	met      int // times in a row that the expected came
	after    int // so many the share is raised
	raised   bool
	timer    *time.Timer
}

const (
	gatherMost    = 5 * time.Millisecond // and never longer than the commit took
	gatherStep    = 1.0 / 8              // by which the share is raised
	gatherSoonest = 2                    // times met, before it is
	gatherLatest  = 64
	gatherEnough  = 15.0 / 16 // of the guess: the last few may be long in coming
)

func newGatherer() *gatherer {
	return &gatherer{full: make(chan struct{}, 1), share: 1, after: gatherSoonest}
}

// arrive notes an append; called by appenders.
func (g *gatherer) arrive() {
	if g.arrived.Add(1) == g.goal.Load() {
		select {
		case g.full <- struct{}{}:
		default:
		}
	}
}

// answering is called before n appends are answered.
func (g *gatherer) answering(n int) {
	select {
	case <-g.full: // of an earlier wait
	default:
	}
	g.from, g.answered = g.arrived.Load(), n
	g.goal.Store(g.from + g.expected())
}

func (g *gatherer) expected() int64 { return int64(g.share*gatherEnough*float64(g.answered) + 0.5) }

// wait returns when as many came as are expected, at the latest after as long
// as the commit took. waiting is how many are in the queue.
func (g *gatherer) wait(took time.Duration, waiting int) {
	if g.answered == 1 && waiting == 0 {
		return // whoever comes next is the next group
	}
	want := g.expected()
	if g.arrived.Load()-g.from < want {
		limit := min(took, gatherMost)
		if g.timer == nil {
			g.timer = time.NewTimer(limit)
		} else {
			g.timer.Reset(limit)
		}
		select {
		case <-g.full:
		case <-g.timer.C:
		}
		g.timer.Stop()
	}
	back := g.arrived.Load() - g.from
	if back < want {
		g.share = (g.share + float64(back)/float64(g.answered)) / 2
		if g.met = 0; g.raised {
			g.after = min(2*g.after, gatherLatest)
		}
		g.raised = false
		return
	}
	if g.met++; g.raised && g.met > 1 {
		g.after, g.raised = gatherSoonest, false
	}
	if g.met >= g.after && g.share < 1 {
		g.share, g.met, g.raised = min(1, g.share+gatherStep), 0, true
	}
}
