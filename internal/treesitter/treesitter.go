// Package treesitter parses source files with tree-sitter's grammars in child
// processes: the grammars are C code that other people's files are fed to, and
// one that crashes, hangs or eats memory costs a file, not the run.
//
// A child is the same binary, started again with the hidden verb [Verb]; it
// answers requests on its standard input until that is closed. Without cgo there
// are no grammars: [Languages] is empty, and who needs one says so.
package treesitter

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"

	"github.com/ashlar-dev/ashlar/formats/syntax"
)

// Verb is the hidden argument that makes the binary a child.
const Verb = "__trees"

// Options of a [Pool]; the zero value is the default.
type Options struct {
	// Command of a child; default this binary with [Verb].
	Command []string
	// Env is added to a child's environment.
	Env []string
	// Children at most; default one a processor.
	Children int
	// Timeout of one file; default 20 s and another second for every 100 KiB.
	Timeout time.Duration
}

// Pool of children. Children start when they are first needed. Safe for
// concurrent use.
type Pool struct {
	o     Options
	idle  chan *child
	spare chan struct{} // rights to start a child

	mu     sync.Mutex
	closed bool
}

// New returns a pool; Close ends its children.
func New(opts *Options) (*Pool, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	if len(o.Command) == 0 {
		exe, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("parsing needs this program's own path: %w", err)
		}
		o.Command = []string{exe, Verb}
	}
	if o.Children <= 0 {
		o.Children = runtime.GOMAXPROCS(0)
	}
	p := &Pool{o: o, idle: make(chan *child, o.Children), spare: make(chan struct{}, o.Children)}
	for range o.Children {
		p.spare <- struct{}{}
	}
	return p, nil
}

// Languages that this build has grammars for, sorted; empty without cgo.
func (*Pool) Languages() []string { return Languages() }

// ErrChild is wrapped by what goes wrong with a child rather than with a file.
var ErrChild = errors.New("the parser's process")

// Parse returns the syntax tree of src, which must be UTF-8. An error speaks of
// this file alone; the next one gets a fresh child if it must.
func (p *Pool) Parse(ctx context.Context, lang string, src []byte) (*syntax.Tree, error) {
	c, err := p.take(ctx)
	if err != nil {
		return nil, err
	}
	limit := p.o.Timeout
	if limit <= 0 {
		limit = 20*time.Second + time.Duration(len(src)/(100<<10))*time.Second
	}
	timer := time.AfterFunc(limit, c.kill)
	stop := context.AfterFunc(ctx, c.kill)
	b, err := c.ask(lang, src)
	inTime := timer.Stop()
	stop()
	if err != nil {
		c.end()
		p.spare <- struct{}{}
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case !inTime:
			return nil, fmt.Errorf("%w gave no answer in %s and was ended", ErrChild, limit)
		}
		return nil, fmt.Errorf("%w ended while it read this file (%w)", ErrChild, err)
	}
	p.give(c)
	if b[0] != 0 {
		return nil, errors.New(string(b[1:]))
	}
	return syntax.Decode(b[1:], src)
}

func (p *Pool) take(ctx context.Context) (*child, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case c := <-p.idle:
		return c, nil
	default:
	}
	select {
	case c := <-p.idle:
		return c, nil
	case <-p.spare:
		c, err := p.start()
		if err != nil {
			p.spare <- struct{}{}
			return nil, fmt.Errorf("%w cannot be started: %w", ErrChild, err)
		}
		return c, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *Pool) give(c *child) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		c.end()
		p.spare <- struct{}{}
		return
	}
	p.idle <- c // has room for all
}

// Close ends all children. Parse must not be running any more.
func (p *Pool) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	for {
		select {
		case c := <-p.idle:
			c.end()
			p.spare <- struct{}{}
		default:
			return nil
		}
	}
}

// child is one process.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func (p *Pool) start() (*child, error) {
	cmd := exec.Command(p.o.Command[0], p.o.Command[1:]...) //nolint:gosec,noctx // this very binary; it is ended by kill
	cmd.Env = append(os.Environ(), p.o.Env...)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &child{cmd, in, bufio.NewReaderSize(out, 1<<16)}, nil
}

func (c *child) kill() { _ = c.cmd.Process.Kill() }

func (c *child) end() {
	_ = c.in.Close()
	c.kill()
	_ = c.cmd.Wait()
}

// Bounds of a file and of what is answered to it.
const (
	sourceMax = 64 << 20
	answerMax = 2 << 30
)

func (c *child) ask(lang string, src []byte) ([]byte, error) {
	head := []byte{byte(len(lang))}
	head = append(head, lang...)
	head = binary.LittleEndian.AppendUint32(head, uint32(len(src))) //nolint:gosec // callers bound it far below
	if _, err := c.in.Write(head); err != nil {
		return nil, err
	}
	if _, err := c.in.Write(src); err != nil {
		return nil, err
	}
	var size [4]byte
	if _, err := io.ReadFull(c.out, size[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(size[:])
	if n == 0 || n > answerMax {
		return nil, errors.New("an answer of no sense")
	}
	b := make([]byte, n)
	_, err := io.ReadFull(c.out, b)
	return b, err
}

// Serve is a child's life: it bounds its own memory and answers requests until
// in ends.
func Serve(in io.Reader, out io.Writer) error {
	limit()
	return Answer(in, out)
}

// Answer answers requests until in ends.
func Answer(in io.Reader, out io.Writer) error {
	r, w := bufio.NewReaderSize(in, 1<<16), bufio.NewWriterSize(out, 1<<16)
	for {
		lang, src, err := request(r)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		answer := []byte{0}
		t, err := parse(lang, src)
		if err != nil {
			answer = append([]byte{1}, err.Error()...)
		} else {
			answer = t.Append(answer)
		}
		if _, err := w.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(answer)))); err != nil { //nolint:gosec // far below
			return err
		}
		if _, err := w.Write(answer); err != nil {
			return err
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
}

func request(r *bufio.Reader) (lang string, src []byte, err error) {
	n, err := r.ReadByte()
	if err != nil {
		return "", nil, err
	}
	head := make([]byte, int(n)+4)
	if _, err := io.ReadFull(r, head); err != nil {
		return "", nil, err
	}
	size := binary.LittleEndian.Uint32(head[n:])
	if size > sourceMax {
		return "", nil, fmt.Errorf("%d bytes are no source file", size)
	}
	src = make([]byte, size)
	if _, err := io.ReadFull(r, src); err != nil {
		return "", nil, err
	}
	return string(head[:n]), src, nil
}

// Child serves and ends the process when it was started as a child, by
// [Verb] as its only argument; else it does nothing. Programs and test binaries
// that use a pool call it first.
func Child() {
	if len(os.Args) != 2 || os.Args[1] != Verb {
		return
	}
	if err := Serve(os.Stdin, os.Stdout); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
