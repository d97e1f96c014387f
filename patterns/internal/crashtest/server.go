package crashtest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Server is a server of the test's own, such as a broker, which it may kill.
type Server struct {
	// Command returns the command to start; it is called for every start.
	Command func() *exec.Cmd
	// Address answers when the server is ready; Ready, when set, must then be in its log.
	Address string
	Ready   string

	log string
	cmd *exec.Cmd
}

// FreePort returns a port that nothing listens on now.
func FreePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// Start starts the server and waits until it answers. It is killed when the test ends.
func (p *Server) Start(t testing.TB) {
	t.Helper()
	if p.log == "" {
		p.log = filepath.Join(t.TempDir(), "log")
		t.Cleanup(p.kill)
	}
	out, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	p.cmd = p.Command()
	p.cmd.Stdout, p.cmd.Stderr = out, out
	ownGroup(p.cmd)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(90 * time.Second); ; {
		err := p.answers()
		if err == nil {
			return
		}
		if time.Now().After(deadline) || !alive(p.cmd.Process) {
			b, _ := os.ReadFile(p.log)
			t.Fatalf("the server did not start: %v; its log ends: %s", err, tail(string(b)))
		}
		<-time.After(50 * time.Millisecond)
	}
}

func (p *Server) answers() error {
	if p.Ready != "" {
		if b, _ := os.ReadFile(p.log); !strings.Contains(string(b), p.Ready) {
			return fmt.Errorf("its log does not say %q", p.Ready)
		}
	}
	c, err := net.DialTimeout("tcp", p.Address, time.Second)
	if err == nil {
		_ = c.Close()
	}
	return err
}

// Restart kills the server with SIGKILL and starts it on the same data.
func (p *Server) Restart(t testing.TB) {
	t.Helper()
	p.kill()
	p.Start(t)
}

func (p *Server) kill() {
	if p.cmd == nil || p.cmd.Process == nil {
		return
	}
	if !killGroup(p.cmd.Process) {
		return
	}
	_ = p.cmd.Wait() // it was killed, which Wait says
	p.cmd = nil
}

// Local is the loopback address of a port.
func Local(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }

func tail(s string) string {
	if len(s) > 2000 {
		s = s[len(s)-2000:]
	}
	return s
}
