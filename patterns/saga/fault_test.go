package saga_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/journal"
	"github.com/ashlar-dev/ashlar/patterns/saga"
)

// proxy stands between the program and PostgreSQL, and cuts.
type proxy struct {
	ln net.Listener
	to string

	mu    sync.Mutex
	conns map[net.Conn]bool
	wg    sync.WaitGroup
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{ln: ln, to: to, conns: map[net.Conn]bool{}}
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		_ = ln.Close()
		p.cut()
		p.wg.Wait()
	})
	return p
}

func (p *proxy) accept() {
	for {
		in, err := p.ln.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", p.to)
		if err != nil {
			_ = in.Close()
			continue
		}
		p.mu.Lock()
		p.conns[in], p.conns[out] = true, true
		p.mu.Unlock()
		for _, pair := range [][2]net.Conn{{in, out}, {out, in}} {
			p.wg.Go(func() {
				_, _ = io.Copy(pair[0], pair[1])
				_, _ = pair[0].Close(), pair[1].Close()
				p.mu.Lock()
				delete(p.conns, pair[1])
				p.mu.Unlock()
			})
		}
	}
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
}

// through returns the places as reached through an address.
func (p places) through(t *testing.T, address string) places {
	t.Helper()
	u, err := url.Parse(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = address
	p.URL = u.String()
	return p
}

// harm runs transfers at the places while something bad is done, again and
// again, and audits through the direct ones.
func harm(t *testing.T, direct, reached places, times int, bad func(n int)) {
	t.Helper()
	ctx := t.Context()
	setup, err := direct.books()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join((&bank{db: setup}).found(ctx), setup.Close()); err != nil {
		t.Fatal(err)
	}
	db, err := reached.books()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	b := &bank{db: db}
	d, err := b.transfers()
	if err != nil {
		t.Fatal(err)
	}
	store, err := reached.store(ctx)
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(ctx, store, nil)
	if err != nil {
		t.Fatal(err)
	}
	// A lease that outlives the outages: who is cut off is not dead.
	o, err := saga.Open(ctx, j, &saga.Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), LeaseTTL: time.Minute}, d)
	if err != nil {
		t.Fatal(err)
	}
	acked, trouble := map[string]string{}, 0
	ends, both := map[string]bool{}, make(chan struct{})
	var mu sync.Mutex
	stop := make(chan struct{})
	var wg sync.WaitGroup
	seen := both
	for w := range 8 {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				id, end := fmt.Sprintf("%d-%d", w, n), "completed"
				for {
					err := d.Run(ctx, o, id, transfer{From: n % accounts, To: (n + 3) % accounts, Cents: 1 + n%50})
					var failed *saga.Error
					if errors.As(err, &failed) {
						end = "compensated"
					} else if err != nil { // not started, or nobody knows: ask again under the same id
						mu.Lock()
						trouble++
						mu.Unlock()
						if ctx.Err() != nil {
							return
						}
						continue
					}
					break
				}
				mu.Lock()
				acked[id] = end
				if ends[end] = true; len(ends) == 2 && both != nil {
					close(both)
					both = nil
				}
				mu.Unlock()
			}
		})
	}
	for n := range times {
		bad(n)
	}
	select { // a busy machine may have had time for none yet
	case <-seen:
	case <-time.After(time.Minute):
	}
	close(stop)
	wg.Wait()
	end, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := errors.Join(o.Close(end), j.Close(end)); err != nil {
		t.Error(err)
	}
	b.late.Wait()
	completed, compensated := audit(t, direct, acked)
	if len(acked) == 0 || completed == 0 || compensated == 0 {
		t.Errorf("%d sagas acknowledged, %d completed, %d compensated: the test tests nothing", len(acked), completed, compensated)
	}
	t.Logf("%d times harmed, callers had trouble %d times; %d sagas acknowledged, %d completed, %d compensated", times, trouble, len(acked), completed, compensated)
}

func TestCutConnections(t *testing.T) {
	t.Parallel()
	direct := postgres(t, "")
	u, err := url.Parse(direct.URL)
	if err != nil {
		t.Fatal(err)
	}
	p := newProxy(t, u.Host)
	cuts := 15
	if os.Getenv("ASHLAR_SOAK") != "" {
		cuts = 200
	}
	r := mathrand.New(mathrand.NewPCG(3, 3))
	tick := time.NewTimer(0)
	defer tick.Stop()
	harm(t, direct, direct.through(t, p.ln.Addr().String()), cuts, func(int) {
		tick.Reset(time.Duration(20+r.IntN(100)) * time.Millisecond)
		<-tick.C
		p.cut()
	})
}

// TestServerRestarts crashes a PostgreSQL of its own, again and again.
func TestServerRestarts(t *testing.T) {
	t.Parallel()
	if os.Getenv("ASHLAR_SOAK") == "" {
		t.Skip("takes a server of its own: make soak")
	}
	s := newServer(t)
	s.ctl(t, "start")
	p := postgres(t, s.url)
	tick := time.NewTimer(0)
	defer tick.Stop()
	harm(t, p, p, 5, func(int) {
		tick.Reset(700 * time.Millisecond)
		<-tick.C
		s.ctl(t, "restart", "-m", "immediate") // no checkpoint: it recovers from its log
	})
}

type server struct{ dir, bin, url string }

// newServer makes the data of a PostgreSQL, which refuses to run as root.
func newServer(t *testing.T) *server {
	t.Helper()
	bins, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(bins) == 0 {
		t.Skip("no PostgreSQL installed: run make servers")
	}
	dir, err := os.MkdirTemp("", "ashlar-postgres")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if os.Getuid() == 0 {
		who, err := user.Lookup("postgres")
		if err != nil {
			t.Skip("no user postgres to run the server as")
		}
		uid, _ := strconv.Atoi(who.Uid)
		gid, _ := strconv.Atoi(who.Gid)
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := ln.Addr().(*net.TCPAddr).Port
	_ = ln.Close() // free for the server
	s := &server{dir: dir, bin: slices.Max(bins), url: fmt.Sprintf("postgres://ashlar@127.0.0.1:%d/postgres?sslmode=disable", port)}
	s.run(t, "initdb", "-D", filepath.Join(dir, "data"), "-U", "ashlar", "-A", "trust", "-E", "UTF8", "--no-locale")
	conf := fmt.Sprintf("port=%d\nlisten_addresses='127.0.0.1'\nunix_socket_directories=''\nfsync=on\n", port)
	f, err := os.OpenFile(filepath.Join(dir, "data", "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(conf); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	t.Cleanup(func() { s.ctl(t, "stop", "-m", "immediate") })
	return s
}

func (s *server) ctl(t *testing.T, args ...string) {
	t.Helper()
	s.run(t, "pg_ctl", append([]string{"-D", filepath.Join(s.dir, "data"), "-l", filepath.Join(s.dir, "log"), "-w"}, args...)...)
}

func (s *server) run(t *testing.T, name string, args ...string) {
	t.Helper()
	args = append([]string{filepath.Join(s.bin, name)}, args...)
	if os.Getuid() == 0 {
		args = append([]string{"runuser", "-u", "postgres", "--"}, args...)
	}
	var out strings.Builder
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = s.dir
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = null.Close() }()
	log, err := os.CreateTemp("", "pg")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close(); _ = os.Remove(log.Name()) }()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = null, log, log // files: the server keeps what it inherits
	if err := cmd.Run(); err != nil {
		b, _ := os.ReadFile(log.Name())
		out.Write(b)
		t.Fatalf("%s: %v\n%s", name, err, out.String())
	}
}
