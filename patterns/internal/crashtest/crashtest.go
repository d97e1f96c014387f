// Package crashtest runs parts of a test in processes that can be killed: the
// test binary starts itself again in a role.
package crashtest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
)

const roleVariable = "ASHLAR_CRASH_ROLE"

// Main runs the role that a parent asked for and ends the process, or returns
// if this process is the parent. TestMain calls it first.
func Main(roles map[string]func(ctx context.Context) error) {
	name := os.Getenv(roleVariable)
	if name == "" {
		return
	}
	role := roles[name]
	if role == nil {
		fmt.Fprintln(os.Stderr, "no such role:", name)
		os.Exit(2)
	}
	fmt.Println("ready")
	if err := role(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Process is a running role.
type Process struct {
	cmd  *exec.Cmd
	out  lockedBuffer
	done chan struct{}
	err  error
}

// Start runs a role with further environment variables, and returns once the
// process is about to begin its work.
func Start(t testing.TB, role string, env ...string) *Process {
	t.Helper()
	return StartTelling(t, role, nil, env...)
}

// StartTelling calls tell with each line that the role prints on its standard
// output, in order; all lines were told when Kill or Wait returns. What a
// process printed before it was killed is not lost.
func StartTelling(t testing.TB, role string, tell func(line string), env ...string) *Process {
	t.Helper()
	p := &Process{done: make(chan struct{})}
	p.cmd = exec.Command(os.Args[0], "-test.run=^$")
	p.cmd.Env = append(append(os.Environ(), roleVariable+"="+role), env...)
	p.cmd.Stderr = &p.out
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() {
		t.Fatalf("%s did not start: %s", role, p.out.String())
	}
	go func() {
		for lines.Scan() {
			if tell != nil {
				tell(lines.Text())
			} else {
				fmt.Fprintln(&p.out, lines.Text())
			}
		}
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(p.Kill)
	return p
}

// Kill sends SIGKILL and waits for the end.
func (p *Process) Kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL) // it may have ended
	<-p.done
}

// Done is closed when the process has ended and all it printed is read.
func (p *Process) Done() <-chan struct{} { return p.done }

// Output is what the process printed on its standard error, and on its standard
// output unless it was told.
func (p *Process) Output() string { return strings.TrimSpace(p.out.String()) }

// Wait waits for the end that the role comes to by itself, and returns its error.
func (p *Process) Wait() error {
	<-p.done
	return p.Fault()
}

// Fault describes an end that was not a kill; nil while it runs.
func (p *Process) Fault() error {
	select {
	case <-p.done:
	default:
		return nil
	}
	var exit *exec.ExitError
	if errors.As(p.err, &exit) {
		if ws, ok := exit.Sys().(syscall.WaitStatus); ok && ws.Signaled() && ws.Signal() == syscall.SIGKILL {
			return nil
		}
	}
	if p.err == nil {
		return nil
	}
	return fmt.Errorf("%w: %s", p.err, strings.TrimSpace(p.out.String()))
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
