package resilience

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/balance"
)

// Balanced sends every request to the endpoint that b picks, in place of the
// host of its URL; the Host header stays. Under [Target.RoundTripper] each try
// is a pick of its own, and a retry and a
// hedge avoid the endpoint of the try before:
//
//	client.Transport = target.RoundTripper(resilience.Balanced(transport, b, nil), nil)
//
// A call lasts until its body is read. An answer of 500 and above, and none at
// all, counts against the endpoint. key, when not nil, gives the key for
// balance.Hash.
func Balanced(next http.RoundTripper, b *balance.Balancer, key func(*http.Request) string) http.RoundTripper {
	if next == nil {
		next = http.DefaultTransport
	}
	return &balanced{next: next, b: b, key: key, epoch: time.Now()}
}

type balanced struct {
	next  http.RoundTripper
	b     *balance.Balancer
	key   func(*http.Request) string
	epoch time.Time
}

// previous is where the tries of one call leave their latest pick.
type previous struct{}

// picks holds it; the copies of a hedged call run side by side.
type picks struct {
	mu     sync.Mutex
	latest balance.Pick
}

func (p *picks) get() balance.Pick {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.latest
}

func (p *picks) set(to balance.Pick) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.latest = to
}

// Prepare lets the one below write into the headers, which ours shares with the
// request it is given.
func (l *balanced) Prepare(ctx context.Context, h http.Header) context.Context {
	if p, ok := l.next.(preparer); ok {
		return p.Prepare(ctx, h)
	}
	return ctx
}

func (l *balanced) now() int64 { return int64(time.Since(l.epoch)) }

func (l *balanced) RoundTrip(req *http.Request) (*http.Response, error) {
	var r balance.Request
	if l.key != nil {
		r.Key = balance.Key(l.key(req))
	}
	last, _ := req.Context().Value(previous{}).(*picks)
	if last != nil {
		r.Avoid = last.get()
	}
	pick, err := l.b.Pick(l.now(), rand.Uint64(), r)
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close() // a RoundTripper always closes it
		}
		return nil, err
	}
	if last != nil {
		last.set(pick)
	}
	out := req.WithContext(req.Context())
	u := *req.URL
	if out.Host == "" {
		out.Host = u.Host
	}
	u.Host = pick.Endpoint().Address
	out.URL = &u
	resp, err := l.next.RoundTrip(out)
	if err != nil {
		l.b.Done(pick, l.now(), verdict(req.Context(), err))
		return nil, err
	}
	o := balance.Answered
	if resp.StatusCode >= http.StatusInternalServerError {
		o = balance.Failed
	}
	if resp.StatusCode == http.StatusSwitchingProtocols || resp.Body == nil || resp.Body == http.NoBody {
		l.b.Done(pick, l.now(), o)
		return resp, nil
	}
	var once sync.Once // a body may be closed while it is read
	resp.Body = &body{ReadCloser: resp.Body, finish: func(err error) error {
		once.Do(func() {
			if err != nil {
				o = verdict(req.Context(), err)
			}
			l.b.Done(pick, l.now(), o)
		})
		return err
	}}
	return resp, nil
}

// verdict says what the absence of an answer means: the caller's cancellation
// means nothing, its deadline does.
func verdict(ctx context.Context, err error) balance.Outcome {
	if errors.Is(err, context.Canceled) && ctx.Err() != context.DeadlineExceeded {
		return balance.Ignored
	}
	return balance.Failed
}
